const OVERVIEW_BINS = 300, OVERVIEW_HEIGHT = 34;
const SHARE_WIDTH = 3; // pixels of a bar of shares
let patterns = 0;

/** Step between axis ticks: the smallest 1, 2 or 5 times a power of ten that leaves room for the labels. */
function tickStep(span, width) {
  const raw = span / Math.max(2, width / 130);
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw && step >= 1) ?? 1;
}

/** Outline of one segment between x1 and x2; the gene's last one ends in an arrow head. */
function segmentPath(x1, x2, y, strand, hasHead) {
  const middle = y + LANE / 2, bottom = y + LANE;
  const head = hasHead ? Math.min(8, (x2 - x1) * 0.6) : 0;
  if (head < 2) return `M${x1.toFixed(1)} ${y}H${x2.toFixed(1)}V${bottom}H${x1.toFixed(1)}Z`;
  return strand === "+"
    ? `M${x1.toFixed(1)} ${y}H${(x2 - head).toFixed(1)}L${x2.toFixed(1)} ${middle}L${(x2 - head).toFixed(1)} ${bottom}H${x1.toFixed(1)}Z`
    : `M${x2.toFixed(1)} ${y}H${(x1 + head).toFixed(1)}L${x1.toFixed(1)} ${middle}L${(x1 + head).toFixed(1)} ${bottom}H${x2.toFixed(1)}Z`;
}

/** The diagonal stripes of partly right genes, told from the others without colour. */
function hatch(id) {
  const pattern = draw("pattern", { id, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(draw("rect", { width: 5, height: 5, class: "hatch-ground" }), draw("path", { d: "M0 0V5", class: "hatch-line" }));
  const defs = draw("defs");
  defs.append(pattern);
  return defs;
}

/** Draw the tracks of what is in view. Genes of one track and status are one path, so that thousands stay quick. */
function drawTracks(view) {
  const { svg, genome, from, span, width, height } = view;
  const end = from + span;
  const place = (base) => Math.max(-20, Math.min(width + 20, ((base - from) / span) * width));
  view.hatch ??= `hatch-${++patterns}`;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  const back = draw("g"), front = draw("g"), text = draw("g");
  const step = tickStep(span, width);
  let ticks = "";
  for (let base = Math.ceil(from / step) * step; base <= end; base += step) {
    const x = place(base);
    ticks += `M${x.toFixed(1)} ${AXIS - 5}V${height}`;
    const anchor = x < 40 ? "start" : x > width - 40 ? "end" : "middle";
    text.append(draw("text", { x: anchor === "start" ? Math.max(2, x) : x, y: 13, "text-anchor": anchor }, grouped(base)));
  }
  back.append(draw("path", { d: ticks, class: "tickmark" }));
  if (view.selected?.region === view.region) drawSelection(view, place, back, front);
  const inView = {};
  genome.tracks.forEach((track, number) => {
    const top = AXIS + number * TRACK;
    const genes = track.byRegion[view.region].filter((gene) => gene.start < end && gene.end > from);
    inView[track.id] = genes.filter((gene) => !gene.isLeftOut).length;
    if (view.isFar) drawShares(view, genes, top + TRACK_TOP, back);
    else drawGenes(view, genes, top + TRACK_TOP, place, back, text);
    back.append(draw("path", { d: `M0 ${top + 2}H${width}`, class: "rule" }));
    text.append(draw("text", { x: 6, y: top + 14, class: "track-name" }, track.label));
  });
  svg.classList.toggle("fine", span / width > 60);
  svg.replaceChildren(hatch(view.hatch), back, front, text);
  const { seqid } = view.whole;
  const counts = genome.tracks.map((track) => `${track.label} ${grouped(inView[track.id])}`).join(", ");
  const where = `${seqid}: ${grouped(Math.round(from) + 1)}–${grouped(Math.round(end))} (${lengthText(span)}). Genes in view: ${counts}.${
    view.isFar ? " Too far off for single genes: each bar is split by the shares of the genes there; click to look closer." : ""}`;
  view.part("where").textContent = where;
  view.stage.setAttribute("aria-label", `Genome view. ${where}`);
}

/** A length in nt, kb or Mb. */
function lengthText(bases) {
  if (bases < 1000) return `${Math.round(bases)} nt`;
  return bases < 1e6 ? `${Number((bases / 1000).toPrecision(3))} kb` : `${Number((bases / 1e6).toPrecision(3))} Mb`;
}

/** The genes of one track: bodies by status, introns, names where there is room. */
function drawGenes(view, genes, top, place, back, text) {
  const bodies = new Map();
  let introns = "";
  for (const gene of genes) {
    const y = top + (gene.strand === "+" ? 0 : LANE + STRAND_GAP);
    const key = gene.isLeftOut ? "left-out" : STATUS_CLASS[view.status(gene)];
    const last = gene.strand === "+" ? gene.segments.length - 1 : 0;
    let path = bodies.get(key) ?? "";
    gene.segments.forEach(([start, end], index) => {
      const x1 = place(start), x2 = Math.max(place(end), place(start) + 0.8);
      if (x2 > -20 && x1 < view.width + 20) path += segmentPath(x1, x2, y, gene.strand, index === last);
      if (index > 0) introns += `M${place(gene.segments[index - 1][1]).toFixed(1)} ${y + LANE / 2}H${x1.toFixed(1)}`;
    });
    bodies.set(key, path);
    const left = Math.max(0, place(gene.start)), right = Math.min(view.width, place(gene.end));
    if (gene.track === view.genome.tracks[0].id && !gene.isLeftOut && right - left > gene.name.length * 6.4 + 14) {
      const at = { x: ((left + right) / 2).toFixed(1), y: y + LANE - 3, class: `gene-name ${key}` };
      if (gene.segments.length === 1) text.append(draw("text", at, gene.name));
    }
  }
  if (introns) back.append(draw("path", { d: introns, class: "intron" }));
  drawBodies(view, bodies, "gene", back);
}

/** One track from far off, where genes are narrower than a pixel: bars split by the shares of their statuses. */
function drawShares(view, genes, top, back) {
  const bins = Array.from({ length: Math.ceil(view.width / SHARE_WIDTH) }, () => new Map());
  for (const gene of genes) {
    if (gene.isLeftOut) continue;
    const share = ((gene.start + gene.end) / 2 - view.from) / view.span;
    const bin = bins[Math.floor((share * view.width) / SHARE_WIDTH)];
    const key = STATUS_CLASS[view.status(gene)];
    bin?.set(key, (bin.get(key) ?? 0) + 1);
  }
  const bars = new Map();
  bins.forEach((bin, number) => {
    const height = (2 * LANE + STRAND_GAP) / [...bin.values()].reduce((sum, count) => sum + count, 0);
    let y = top;
    for (const key of STATUS_CLASS) {
      const part = (bin.get(key) ?? 0) * height;
      if (part > 0) bars.set(key, `${bars.get(key) ?? ""}M${number * SHARE_WIDTH} ${y.toFixed(1)}h${SHARE_WIDTH}v${part.toFixed(1)}h-${SHARE_WIDTH}z`);
      y += part || 0;
    }
  });
  drawBodies(view, bars, "gene share", back);
}

/** One path per status. */
function drawBodies(view, bodies, kind, back) {
  for (const [key, path] of bodies) {
    const node = draw("path", { d: path, class: `${kind} ${key}` });
    if (key === "partly") node.setAttribute("fill", `url(#${view.hatch})`);
    back.append(node);
  }
}

/** The selected gene: its outline, and its ends carried through all tracks. */
function drawSelection(view, place, back, front) {
  const gene = view.selected;
  const x1 = place(gene.start), x2 = Math.max(place(gene.end), x1 + 1);
  back.append(draw("rect", { x: x1, y: AXIS, width: x2 - x1, height: view.height - AXIS, class: "band" }));
  back.append(draw("path", { d: `M${x1} ${AXIS}V${view.height}M${x2} ${AXIS}V${view.height}`, class: "edge" }));
  const number = view.genome.tracks.findIndex((track) => track.id === gene.track);
  const y = AXIS + number * TRACK + TRACK_TOP + (gene.strand === "+" ? 0 : LANE + STRAND_GAP);
  front.append(draw("rect", { x: x1 - 2, y: y - 2, width: x2 - x1 + 4, height: LANE + 4, rx: 2, class: "outline" }));
}

/** The whole stretch at a glance: how many differences lie where, and what is in view. */
function drawOverview(view) {
  const { start, end } = view.whole;
  const bins = new Array(OVERVIEW_BINS).fill(0);
  for (const { gene } of view.differences) {
    if (gene.region !== view.region) continue;
    const share = ((gene.start + gene.end) / 2 - start) / (end - start);
    bins[Math.max(0, Math.min(OVERVIEW_BINS - 1, Math.floor(share * OVERVIEW_BINS)))] += 1;
  }
  const most = Math.max(1, ...bins);
  let ticks = "";
  bins.forEach((count, bin) => {
    if (count) ticks += `M${bin} ${OVERVIEW_HEIGHT}h1v${(-(count / most) * (OVERVIEW_HEIGHT - 6)).toFixed(1)}h-1z`;
  });
  const x = ((view.from - start) / (end - start)) * OVERVIEW_BINS;
  const width = Math.max(1.5, (view.span / (end - start)) * OVERVIEW_BINS);
  view.overview.setAttribute("viewBox", `0 0 ${OVERVIEW_BINS} ${OVERVIEW_HEIGHT}`);
  view.overview.replaceChildren(
    draw("rect", { width: OVERVIEW_BINS, height: OVERVIEW_HEIGHT, class: "ground" }),
    draw("path", { d: ticks, class: "ticks" }),
    draw("rect", { x: Math.min(x, OVERVIEW_BINS - width), y: 0, width, height: OVERVIEW_HEIGHT, class: "brush" }),
  );
}
