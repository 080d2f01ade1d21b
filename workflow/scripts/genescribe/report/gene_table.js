const PAGE_ROWS = 25;
const byWords = new Intl.Collator("en", { numeric: true });

/** A cell with the colour and pattern of a status before its name. */
function statusLabel(genome, status) {
  return make("span", { className: "kind" },
    make("span", { className: `swatch ${STATUS_CLASS[status]}`, ariaHidden: "true" }), genome.statusNames[status]);
}

/** What the details panel says of a gene: its place in every track, and how each differs from the base. */
function locusDetails(view, gene) {
  const { genome } = view;
  const base = view.base ? genome.counterpart(view.base, gene) : null;
  const rows = genome.tracks.map((track) => {
    const own = genome.counterpart(track.id, gene);
    const cells = own
      ? [own.name, own.position, own.sign, grouped(own.length), own.codon || "–", scoreText(own)]
      : ["–", "", "", "", "", ""];
    if (view.base) cells.push(own ? verdictText(view, own, base) : "no gene on this strand here");
    return make("tr", { className: own === gene ? "own" : "" }, make("th", { scope: "row", textContent: track.label }),
      ...cells.map((cell, index) => make("td", { className: index === 3 || index === 5 ? "n" : "", textContent: cell })));
  });
  const heads = ["Track", "Gene", "Position", "Strand", "Length, nt", "First codon", "Score"];
  if (view.base) heads.push(`Against ${sideName(genome, view.base)}`);
  const table = make("table", {},
    make("caption", { className: "visually-hidden", textContent: `${gene.name} in all tracks` }),
    make("thead", {}, make("tr", {}, ...heads.map((text, index) =>
      make("th", { scope: "col", className: index === 4 || index === 6 ? "n" : "", textContent: text })))),
    make("tbody", {}, ...rows));
  const box = make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: `${gene.name} in all tracks` }, table);
  const kind = gene.kind.replace("protein_coding", "protein-coding gene");
  return [make("h4", { textContent: gene.name }),
    make("p", { className: "small muted", textContent: `${kind}${gene.segments.length > 1 ? `, ${gene.segments.length} segments` : ""}` }), box];
}

/** A track's name inside a sentence. */
function sideName(genome, track) {
  return track === "reference" ? "the reference" : genome.track(track).label;
}

function scoreText(gene) {
  if (gene.score === null) return "–";
  return gene.score.toFixed(Math.abs(gene.score) < 10 ? 3 : 1);
}

/** Status of a gene in words: how it differs from the base's gene there, or why it is not compared. */
function verdictText(view, gene, other = null) {
  const status = view.status(gene);
  if (status === NOT_SCORED) return gene.note || "not compared";
  if (gene.track === view.base && other) return sideName(view.genome, view.base);
  const detail = other && status !== EXACT ? gene.against(other) : "";
  return [view.genome.statusNames[status].toLowerCase(), detail].filter(Boolean).join(": ");
}

/** The sortable and searchable table of the genes of one comparison; a row's button shows it in the genome view. */
class GeneTable {
  constructor(root, genome, view) {
    this.root = root;
    this.genome = genome;
    this.view = view;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.column = 1;
    this.direction = 1;
    this.page = 0;
    this.part("search").addEventListener("input", () => { this.page = 0; this.fill(); });
    this.part("type").addEventListener("change", () => { this.page = 0; this.fill(); });
    this.part("earlier").addEventListener("click", () => { this.page -= 1; this.fill(); });
    this.part("later").addEventListener("click", () => { this.page += 1; this.fill(); });
    this.part("save").addEventListener("click", () => this.save());
    view.onChange(() => { if (view.comparisons === this.comparisons) this.mark(); else this.load(); });
    this.load();
  }

  /** Make the rows of the comparison that the view shows. */
  load() {
    const { genome, view } = this;
    this.comparisons = view.comparisons;
    this.others = genome.tracks.map((track) => track.id).filter((id) => id !== view.predictor && id !== view.base);
    this.columns = [
      { name: "Agreement", key: (row) => row.type },
      { name: "Position", key: (row) => row.gene.region * 1e10 + row.gene.start },
      { name: "Strand", key: (row) => row.gene.strand },
      { name: "Length, nt", key: (row) => row.gene.length, isNumber: true },
      { name: `${genome.track(view.base)?.label ?? ""} gene`, key: (row) => row.otherName },
      { name: "What differs", key: (row) => row.what },
      { name: "Score", key: (row) => row.gene.score ?? -1, isNumber: true },
      ...this.others.map((name, index) => ({ name: genome.track(name).label, key: (row) => row.others[index] })),
    ];
    this.rows = view.comparisons.map((comparison, number) => this.row(comparison, number));
    this.part("compared").textContent = view.predictor
      ? `${genome.track(view.predictor).label} against ${sideName(genome, view.base)}` : "";
    this.page = 0;
    this.heads();
    this.fill();
  }

  row(comparison, number) {
    const { type, gene, other } = comparison;
    const others = this.others.map((name) => this.there(name, comparison));
    return { number, comparison, type, gene, other, otherName: other?.name ?? "–", what: this.difference(comparison), others };
  }

  difference({ type, gene, other }) {
    const { genome, view } = this;
    const onOtherSide = gene.track === view.base ? view.predictor : view.base;
    if (type === EXACT) return "";
    if (type === PARTLY) return gene.against(other);
    if (type === NOT_SCORED) return gene.note || "not compared";
    const near = genome.counterpart(onOtherSide, gene);
    if (type === MISSED) return (near && near.against(gene)) || "nothing on this strand";
    return (near && !near.isLeftOut && gene.against(near)) || "no gene there";
  }

  /** What a third track has at a row's place: whom it agrees with. */
  there(name, { gene, other }) {
    const { genome, view } = this;
    const found = genome.counterpart(name, gene);
    if (!found) return "–";
    const sides = [...new Set([other, gene])].filter((side) => side && found.isLike(side));
    if (sides.length === 2) return "the same";
    if (sides.length === 1) return `as ${sideName(genome, sides[0].track)}`;
    return found.stop === gene.stop ? "same stop" : "overlaps";
  }

  heads() {
    this.part("head").replaceChildren(...this.columns.map((column, index) => {
      const button = make("button", { type: "button", textContent: column.name });
      button.addEventListener("click", () => {
        this.direction = this.column === index ? -this.direction : 1;
        this.column = index;
        this.page = 0;
        this.heads();
        this.fill();
        this.part("head").children[index].querySelector("button").focus();
      });
      const cell = make("th", { scope: "col", className: column.isNumber ? "n" : "" }, button);
      if (this.column === index) cell.setAttribute("aria-sort", this.direction > 0 ? "ascending" : "descending");
      return cell;
    }));
  }

  /** Rows that fit the search and the chosen kind, in the chosen order. */
  chosen() {
    const words = this.part("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const types = this.part("type").value.split(" ").map(Number);
    const { key } = this.columns[this.column];
    const order = (a, b) => (typeof a === "number" ? a - b : byWords.compare(a, b));
    return this.rows
      .filter((row) => types.includes(row.type))
      .filter((row) => {
        if (!words.length) return true;
        const text = this.texts(row).concat(row.gene.name, row.gene.start + 1, row.gene.end).join(" ").toLowerCase();
        return words.every((word) => text.includes(word));
      })
      .sort((a, b) => this.direction * order(key(a), key(b)) || a.number - b.number);
  }

  texts(row) {
    const { gene } = row;
    return [this.genome.statusNames[row.type], gene.position, gene.sign, grouped(gene.length), row.otherName, row.what,
      scoreText(gene), ...row.others];
  }

  fill() {
    const rows = this.chosen();
    const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
    this.page = Math.max(0, Math.min(this.page, pages - 1));
    const first = this.page * PAGE_ROWS;
    const several = this.genome.regions.length > 1;
    this.part("body").replaceChildren(...rows.slice(first, first + PAGE_ROWS).map((row) => {
      const [, position, ...texts] = this.texts(row);
      const button = make("button", { type: "button", textContent: position });
      button.setAttribute("aria-label", `Show ${position} in the genome view`);
      button.addEventListener("click", () => {
        const number = this.view.differences.indexOf(row.comparison);
        if (number < 0) this.view.show(row.gene);
        else this.view.goTo(number);
        this.view.root.scrollIntoView({ block: "start" });
        this.view.stage.focus({ preventScroll: true });
      });
      const place = several ? [`${this.genome.regions[row.gene.region].seqid} `, button] : [button];
      const line = make("tr", {}, make("td", {}, statusLabel(this.genome, row.type)), make("td", {}, ...place),
        ...texts.map((text, index) => make("td", { className: this.columns[index + 2].isNumber ? "n" : "", textContent: text })));
      line.dataset.number = row.number;
      return line;
    }));
    const shown = rows.length ? `${grouped(first + 1)}–${grouped(Math.min(first + PAGE_ROWS, rows.length))} of ${grouped(rows.length)}` : "none";
    this.part("shown").textContent = `${shown} (${grouped(this.rows.length)} genes in all)`;
    this.part("earlier").disabled = this.page === 0;
    this.part("later").disabled = this.page >= pages - 1;
    this.mark();
  }

  /** Mark the row of the gene that is selected in the view. */
  mark() {
    const { selected } = this.view;
    for (const line of this.part("body").children) {
      const { gene, other } = this.rows[Number(line.dataset.number)];
      const isCurrent = selected !== null && (gene === selected || other === selected);
      line.classList.toggle("current", isCurrent);
      if (isCurrent) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
    }
  }

  /** Save the chosen rows as a tab-separated file. Positions are 1-based and inclusive. */
  save() {
    const head = ["agreement", "sequence", "start", "end", "strand", "length", "other_gene", "what_differs", "score",
      ...this.others];
    const lines = this.chosen().map((row) => [
      this.genome.statusNames[row.type], this.genome.regions[row.gene.region].seqid, row.gene.start + 1, row.gene.end,
      row.gene.strand, row.gene.length, row.otherName, row.what, scoreText(row.gene), ...row.others]);
    const text = [head, ...lines]
      .map((cells) => cells.map((cell) => String(cell).replace(/\s+/g, " ")).join("\t")).join("\n") + "\n";
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" })),
      download: `${this.view.predictor}_against_${this.view.base}.tsv` });
    link.click();
    URL.revokeObjectURL(link.href);
  }
}
