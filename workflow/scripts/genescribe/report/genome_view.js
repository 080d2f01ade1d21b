const SVG = "http://www.w3.org/2000/svg";
const LANE = 13, STRAND_GAP = 4, TRACK_TOP = 18, TRACK_GAP = 9, AXIS = 24;
const TRACK = TRACK_TOP + 2 * LANE + STRAND_GAP + TRACK_GAP;
const NARROWEST = 60; // bases in view at the closest zoom
const FAR = 300; // bases per pixel from which on single genes cannot be drawn

/** A new SVG element with attributes. */
function draw(tag, attributes = {}, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text) node.textContent = text;
  return node;
}

/** The browsable stretch of genome: tracks, overview, controls and details of one species. */
class GenomeView {
  constructor(root, genome) {
    this.root = root;
    this.genome = genome;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.stage = this.part("stage");
    this.svg = this.stage.querySelector("svg");
    this.overview = this.part("overview");
    this.tip = this.part("tip");
    this.region = 0;
    this.choose(this.part("predictor")?.value ?? null, this.part("base")?.value ?? null);
    this.selected = null;
    this.listeners = [];
    const first = this.differences[0]?.gene ?? genome.tracks.flatMap((track) => track.genes)[0];
    const whole = genome.regions[0];
    const span = Math.min(whole.end - whole.start, this.stage.clientWidth < 600 ? 8000 : 20000);
    if (first) this.region = first.region;
    this.setView((first ? (first.start + first.end) / 2 : whole.start) - span / 2, span);
    this.listen();
  }

  /** Draw for the first time; later whenever the size changes. */
  start() {
    new ResizeObserver(() => this.refresh()).observe(this.stage);
    this.draw();
  }

  get whole() { return this.genome.regions[this.region]; }
  get width() { return Math.max(this.stage.clientWidth, 200); }
  get isFar() { return this.span / this.width > FAR; }
  get height() { return AXIS + this.genome.tracks.length * TRACK + 4; }

  /** A gene's status in the chosen comparison; all are drawn alike where nothing is compared. */
  status(gene) {
    return this.predictor ? this.genome.status(gene, this) : EXACT;
  }

  /** Set what is compared with what: a base that the predictor was not compared with gives way to the first that it was. */
  choose(predictor, base) {
    const bases = predictor ? this.genome.bases(predictor) : [];
    this.predictor = predictor;
    this.base = bases.includes(base) ? base : bases[0];
    this.comparisons = this.genome.comparisons(this);
    this.differences = this.comparisons.filter(({ type }) => type === PARTLY || type === EXTRA || type === MISSED);
    this.at = -1; // number of the difference that was walked to last
    const select = this.part("base");
    if (!select) return;
    for (const option of select.options) option.disabled = !bases.includes(option.value);
    select.value = this.base;
  }

  /** Tell `listener` when the compared tracks, the current difference or the selection changes. */
  onChange(listener) { this.listeners.push(listener); }
  changed() { for (const listener of this.listeners) listener(); }

  setView(start, span) {
    const { start: low, end: high } = this.whole;
    this.span = Math.max(Math.min(NARROWEST, high - low), Math.min(span, high - low));
    this.from = Math.max(low, Math.min(start, high - this.span));
    this.refresh();
  }

  pan(share) { this.setView(this.from + share * this.span, this.span); }

  /** Zoom by a factor, keeping the base at `share` of the width in its place. */
  zoom(factor, share = 0.5) {
    const anchor = this.from + share * this.span;
    const { start, end } = this.whole;
    const span = Math.max(Math.min(NARROWEST, end - start), Math.min(this.span * factor, end - start));
    this.setView(anchor - share * span, span);
  }

  refresh() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => this.draw());
  }

  /** Bring a gene into view and show its details. */
  show(gene) {
    this.region = gene.region;
    this.part("region").value = String(gene.region);
    this.selected = gene;
    const size = gene.end - gene.start;
    const span = size * 1.2 > this.span || this.span > 40 * size + 20000 ? size * 2 + 6000 : this.span;
    this.setView((gene.start + gene.end) / 2 - span / 2, span);
    this.showDetails();
    this.changed();
  }

  select(gene) {
    this.selected = gene;
    this.refresh();
    this.showDetails();
    this.changed();
  }

  /** Walk to a difference by its number. */
  goTo(number) {
    if (!this.differences.length) return;
    this.at = (number + this.differences.length) % this.differences.length;
    this.show(this.differences[this.at].gene);
    this.tally();
  }

  /** Walk to the next (1) or previous (-1) difference; from the middle of the view where none was walked to. */
  step(direction) {
    if (this.at >= 0) return this.goTo(this.at + direction);
    const middle = this.from + this.span / 2;
    const isAfter = ({ gene }) => gene.region > this.region || (gene.region === this.region && gene.start >= middle);
    const next = this.differences.findIndex(isAfter);
    this.goTo(next < 0 ? (direction > 0 ? 0 : -1) : direction > 0 ? next : next - 1);
  }

  compare(predictor, base) {
    this.choose(predictor, base);
    this.tally();
    this.refresh();
    this.showDetails();
    this.changed();
  }

  tally() {
    const count = this.differences.length;
    const text = count === 0 ? "no difference" : this.at < 0
      ? `${grouped(count)} differences` : `difference ${grouped(this.at + 1)} of ${grouped(count)}`;
    const tally = this.part("tally");
    if (tally) tally.textContent = text;
    for (const name of ["next", "previous"]) {
      const button = this.part(name);
      if (button) button.disabled = count === 0;
    }
  }

  /** Go to a position (12345), a range (12345-23456, chr:12345-23456) or a gene by name. Says so if there is none. */
  jump(text) {
    const answer = this.part("answer");
    answer.textContent = "";
    const range = text.replace(/[,\s]/g, "").match(/^(?:(.+):)?(\d+)(?:(?:-|–|\.\.)(\d+))?$/);
    if (range) {
      const first = Number(range[2]) - 1, last = range[3] ? Number(range[3]) : first + 1;
      const number = this.genome.regions.findIndex((region, index) =>
        (range[1] ? region.seqid === range[1] : range[1] === undefined && (index === this.region ||
          region.seqid === this.whole.seqid)) && first >= region.start && first < region.end);
      if (number < 0) {
        answer.textContent = `${text} lies outside the scored stretches.`;
        return;
      }
      this.region = number;
      this.part("region").value = String(number);
      const span = range[3] && last > first ? (last - first) * 1.1 : this.span;
      this.setView((first + last) / 2 - span / 2, span);
      return;
    }
    const gene = this.genome.find(text.trim());
    if (gene) this.show(gene);
    else answer.textContent = `No gene is called “${text}” here.`;
  }

  listen() {
    const click = (name, action) => this.part(name)?.addEventListener("click", action);
    click("left", () => this.pan(-0.5));
    click("right", () => this.pan(0.5));
    click("in", () => this.zoom(0.5));
    click("out", () => this.zoom(2));
    click("all", () => this.setView(this.whole.start, Infinity));
    click("next", () => this.step(1));
    click("previous", () => this.step(-1));
    this.part("jump").addEventListener("submit", (event) => {
      event.preventDefault();
      this.jump(this.part("jump").querySelector("input").value);
    });
    this.part("region").addEventListener("change", (event) => {
      this.region = Number(event.target.value);
      this.setView(this.whole.start, this.span);
    });
    for (const name of ["predictor", "base"]) {
      this.part(name)?.addEventListener("change", () => this.compare(this.part("predictor").value, this.part("base").value));
    }
    this.stage.addEventListener("keydown", (event) => this.onKey(event));
    this.stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.stage.addEventListener("dblclick", (event) => this.isFar || this.zoom(0.5, this.shareAt(event)));
    this.listenToPointers();
    this.tally();
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      ArrowLeft: () => this.pan(-0.25), ArrowRight: () => this.pan(0.25),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
      Home: () => this.setView(this.whole.start, this.span), End: () => this.setView(Infinity, this.span),
      n: () => this.step(1), p: () => this.step(-1),
      ".": () => this.walkGenes(1), ",": () => this.walkGenes(-1),
      ArrowDown: () => this.walkTracks(1), ArrowUp: () => this.walkTracks(-1),
      Escape: () => this.select(null),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** To the next gene of the selected gene's track, or of the first track. */
  walkGenes(direction) {
    const track = this.genome.track(this.selected?.track) ?? this.genome.tracks[0];
    const genes = track.byRegion[this.region];
    if (!genes.length) return;
    let number = genes.indexOf(this.selected);
    if (number < 0) number = genes.findIndex((gene) => gene.end > this.from) - (direction > 0 ? 1 : 0);
    this.show(genes[Math.max(0, Math.min(genes.length - 1, number + direction))]);
  }

  /** To the gene at the same place in the next track that has one. */
  walkTracks(direction) {
    if (!this.selected) return this.walkGenes(1);
    const { tracks } = this.genome;
    let number = tracks.findIndex((track) => track.id === this.selected.track) + direction;
    for (; number >= 0 && number < tracks.length; number += direction) {
      const gene = this.genome.counterpart(tracks[number].id, this.selected);
      if (gene) return this.show(gene);
    }
  }

  onWheel(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY / 300), this.shareAt(event));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      this.pan((event.deltaX || event.deltaY) / this.width);
    }
  }

  shareAt(event) {
    const box = this.stage.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  }

  /** Dragging pans, two fingers zoom, a click selects; on the overview both move the view. */
  listenToPointers() {
    const down = new Map();
    let moved = 0;
    this.stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      down.set(event.pointerId, this.shareAt(event));
      this.stage.setPointerCapture(event.pointerId);
      moved = 0;
    });
    this.stage.addEventListener("pointermove", (event) => {
      const share = this.shareAt(event);
      if (!down.has(event.pointerId)) return this.showTip(event);
      const before = down.get(event.pointerId);
      moved += Math.abs(share - before) * this.width;
      if (down.size === 2) {
        const other = [...down].find(([id]) => id !== event.pointerId)[1];
        const [was, is] = [Math.abs(before - other), Math.abs(share - other)];
        if (was > 0.01 && is > 0.01) this.zoom(was / is, (share + other) / 2);
      } else if (moved > 3) {
        this.stage.classList.add("moving");
        this.tip.hidden = true;
        this.pan(before - share);
      }
      down.set(event.pointerId, share);
    });
    const up = (event) => {
      const wasDown = down.delete(event.pointerId);
      this.stage.classList.remove("moving");
      if (!wasDown || moved > 3 || event.type !== "pointerup") return;
      if (this.isFar) this.zoom(0.1, this.shareAt(event));
      else this.select(this.geneAt(event));
    };
    this.stage.addEventListener("pointerup", up);
    this.stage.addEventListener("pointercancel", up);
    this.stage.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    const place = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      const box = this.overview.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      this.setView(this.whole.start + share * (this.whole.end - this.whole.start) - this.span / 2, this.span);
    };
    this.overview.addEventListener("pointerdown", (event) => {
      this.overview.setPointerCapture(event.pointerId);
      place(event);
    });
    this.overview.addEventListener("pointermove", place);
  }

  /** The gene under a pointer: on its track and strand, within two pixels; the shortest of several. */
  geneAt(event) {
    const box = this.stage.getBoundingClientRect();
    const y = event.clientY - box.top - AXIS;
    const track = this.genome.tracks[Math.floor(y / TRACK)];
    if (!track) return null;
    const lane = (y % TRACK) - TRACK_TOP;
    if (lane < -2 || lane > 2 * LANE + STRAND_GAP + 2) return null;
    const strand = lane < LANE + STRAND_GAP / 2 ? "+" : "-";
    const slack = (2 * this.span) / this.width;
    const base = this.from + this.shareAt(event) * this.span;
    const hits = track.byRegion[this.region].filter(
      (gene) => gene.strand === strand && gene.start - slack <= base && gene.end + slack >= base);
    return hits.sort((a, b) => a.isLeftOut - b.isLeftOut || a.end - a.start - (b.end - b.start))[0] ?? null;
  }

  showTip(event) {
    const gene = event.pointerType === "mouse" && !this.isFar ? this.geneAt(event) : null;
    this.tip.hidden = !gene;
    if (!gene) return;
    this.tip.replaceChildren(make("strong", { textContent: gene.name }), make("br"),
      `${gene.position} (${gene.sign}), ${grouped(gene.length)} nt`);
    if (this.predictor) this.tip.append(make("br"), verdictText(this, gene));
    const box = this.stage.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    this.tip.style.left = `${Math.min(x + 12, box.width - this.tip.offsetWidth - 4)}px`;
    this.tip.style.top = `${y + 16 + this.tip.offsetHeight > box.height ? y - this.tip.offsetHeight - 8 : y + 16}px`;
  }

  draw() {
    this.waiting = 0;
    drawTracks(this);
    drawOverview(this);
  }

  showDetails() {
    const panel = this.part("locus");
    panel.hidden = !this.selected;
    panel.replaceChildren(...(this.selected ? locusDetails(this, this.selected) : []));
  }
}
