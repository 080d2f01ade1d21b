const PAGE_ROWS = 25;

/** A cell with the colour and pattern of a status before its name. */
function statusLabel(genome, status) {
  return make("span", { className: "kind" },
    make("span", { className: `swatch ${STATUS_CLASS[status]}`, ariaHidden: "true" }), genome.statusNames[status]);
}

/** What the details panel says of a gene: its place in every track, and how each differs from the reference. */
function locusDetails(genome, gene) {
  const reference = genome.reference ? genome.counterpart("reference", gene) : null;
  const rows = genome.tracks.map((track) => {
    const own = genome.counterpart(track.id, gene);
    const cells = own
      ? [own.name, own.position, own.sign, grouped(own.length), own.codon || "–", scoreText(own), verdictText(genome, own, reference)]
      : ["–", "", "", "", "", "", "no gene on this strand here"];
    return make("tr", { className: own === gene ? "own" : "" }, make("th", { scope: "row", textContent: track.label }),
      ...cells.map((cell, index) => make("td", { className: index === 3 || index === 5 ? "n" : "", textContent: cell })));
  });
  const heads = ["Track", "Gene", "Position", "Strand", "Length, nt", "First codon", "Score", "Against the reference"];
  const table = make("table", {},
    make("thead", {}, make("tr", {}, ...heads.map((text, index) =>
      make("th", { scope: "col", className: index === 4 || index === 6 ? "n" : "", textContent: text })))),
    make("tbody", {}, ...rows));
  const box = make("div", { className: "scroll" }, table);
  const kind = gene.kind.replace("protein_coding", "protein-coding gene");
  return [make("h4", { textContent: gene.name }),
    make("p", { className: "small muted", textContent: `${kind}${gene.segments.length > 1 ? `, ${gene.segments.length} segments` : ""}` }), box];
}

function scoreText(gene) {
  if (gene.score === null) return "–";
  return gene.score.toFixed(Math.abs(gene.score) < 10 ? 3 : 1);
}

/** Status of a gene in words: for a prediction also how it differs, for the reference only a note. */
function verdictText(genome, gene, reference) {
  if (gene.track === "reference") return gene.note || "reference";
  if (gene.note) return gene.note;
  const status = genome.statusNames[gene.status].toLowerCase();
  const detail = reference && gene.status !== EXACT ? gene.against(reference) : "";
  return [gene.status === NOT_SCORED ? "not scored" : status, detail].filter(Boolean).join(": ");
}

/** The sortable and searchable table of differences of one species; a row's button shows it in the genome view. */
class DifferenceTable {
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
    view.onChange(() => { if (view.predictor === this.predictor) this.mark(); else this.load(); });
    this.load();
  }

  /** Make the rows of the predictor that the view compares. */
  load() {
    const { genome, view } = this;
    this.predictor = view.predictor;
    this.others = genome.predictors.filter((name) => name !== this.predictor);
    this.columns = [
      { name: "Difference", key: (row) => row.type },
      { name: "Position", key: (row) => row.gene.region * 1e10 + row.gene.start },
      { name: "Strand", key: (row) => row.gene.strand },
      { name: "Length, nt", key: (row) => row.gene.length, isNumber: true },
      { name: "Reference gene", key: (row) => row.referenceName },
      { name: "What differs", key: (row) => row.what },
      { name: "Score", key: (row) => row.gene.score ?? -1, isNumber: true },
      ...this.others.map((name, index) => ({ name: genome.track(name).label, key: (row) => row.others[index] })),
    ];
    this.rows = view.differences.map((difference, number) => this.row(difference, number));
    this.part("predictor").textContent = genome.track(this.predictor)?.label ?? "";
    this.page = 0;
    this.heads();
    this.fill();
  }

  row({ type, gene, reference }, number) {
    const { genome } = this;
    const near = reference ?? genome.counterpart("reference", gene);
    let what = "";
    if (type === PARTLY) what = gene.against(reference);
    else if (type === EXTRA) what = (near && !near.isLeftOut && gene.against(near)) || "no reference gene there";
    else {
      const own = genome.counterpart(this.predictor, gene);
      what = (own && own.against(gene)) || "nothing on this strand";
    }
    const others = this.others.map((name) => {
      if (type !== EXTRA) return genome.statusNames[genome.status(reference, name)].toLowerCase();
      const other = genome.counterpart(name, gene);
      return other?.stop === gene.stop ? (other.first === gene.first ? "same gene" : "same stop") : "–";
    });
    return { number, type, gene, referenceName: reference?.name ?? "–", what, others };
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
    const type = this.part("type").value;
    const { key } = this.columns[this.column];
    const order = (a, b) => (typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
    return this.rows
      .filter((row) => type === "" || row.type === Number(type))
      .filter((row) => {
        if (!words.length) return true;
        const text = this.texts(row).concat(row.gene.name, row.gene.start + 1, row.gene.end).join(" ").toLowerCase();
        return words.every((word) => text.includes(word));
      })
      .sort((a, b) => this.direction * order(key(a), key(b)) || a.number - b.number);
  }

  texts(row) {
    const { gene } = row;
    return [this.genome.statusNames[row.type], gene.position, gene.sign, grouped(gene.length), row.referenceName, row.what,
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
        this.view.goTo(row.number);
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
    this.part("shown").textContent = rows.length < this.rows.length ? `${shown} (${grouped(this.rows.length)} in all)` : shown;
    this.part("earlier").disabled = this.page === 0;
    this.part("later").disabled = this.page >= pages - 1;
    this.mark();
  }

  /** Mark the row of the difference that the view stands at. */
  mark() {
    const current = this.view.differences[this.view.at];
    const isHere = current && current.gene === this.view.selected;
    for (const line of this.part("body").children) {
      const isCurrent = Boolean(isHere) && Number(line.dataset.number) === this.view.at;
      line.classList.toggle("current", isCurrent);
      if (isCurrent) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
    }
  }

  /** Save the chosen rows as a tab-separated file. Positions are 1-based and inclusive. */
  save() {
    const head = ["difference", "sequence", "start", "end", "strand", "length", "reference_gene", "what_differs", "score",
      ...this.others];
    const lines = this.chosen().map((row) => [
      this.genome.statusNames[row.type], this.genome.regions[row.gene.region].seqid, row.gene.start + 1, row.gene.end,
      row.gene.strand, row.gene.length, row.referenceName, row.what, scoreText(row.gene), ...row.others]);
    const text = [head, ...lines]
      .map((cells) => cells.map((cell) => String(cell).replace(/\s+/g, " ")).join("\t")).join("\n") + "\n";
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" })),
      download: `differences_${this.predictor}.tsv` });
    link.click();
    URL.revokeObjectURL(link.href);
  }
}
