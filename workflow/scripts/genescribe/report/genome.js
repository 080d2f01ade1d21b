/** Agreement of a gene with the reference; the numbers are those of `gene_tables.Status`. */
const EXACT = 0, PARTLY = 1, EXTRA = 2, MISSED = 3, NOT_SCORED = 4;
const STATUS_CLASS = ["exact", "partly", "extra", "missed", "not-scored"];

/** One species' genes as the page embeds them. Coordinates are 0-based half-open. */
class Genome {
  constructor(text) {
    const data = JSON.parse(text);
    this.regions = data.regions;
    this.predictors = data.predictors;
    this.statusNames = ["Exact", data.partly, "Extra", "Missed", "Not scored"];
    this.tracks = data.tracks.map((track) => {
      const genes = track.genes.map((row) => new Gene(track.id, row, data));
      const byRegion = data.regions.map(() => []);
      for (const gene of genes) byRegion[gene.region].push(gene);
      return { id: track.id, label: track.label, genes, byRegion };
    });
    this.reference = this.tracks.find((track) => track.id === "reference");
  }

  track(id) {
    return this.tracks.find((track) => track.id === id);
  }

  /** A gene's agreement: a predicted gene's own, a reference gene's with the predictor that is compared. */
  status(gene, predictor) {
    return gene.track === "reference" ? gene.statuses[this.predictors.indexOf(predictor)] ?? NOT_SCORED : gene.status;
  }

  /** The reference gene that a predicted gene was matched with. */
  partner(gene) {
    return gene.partner < 0 ? null : this.reference.genes[gene.partner];
  }

  /** All differences between a predictor and the reference, from left to right. */
  differences(predictor) {
    const track = this.track(predictor);
    if (!this.reference || !track) return [];
    const found = track.genes
      .filter((gene) => gene.status === PARTLY || gene.status === EXTRA)
      .map((gene) => ({ type: gene.status, gene, reference: this.partner(gene) }));
    for (const gene of this.reference.genes) {
      if (this.status(gene, predictor) === MISSED) found.push({ type: MISSED, gene, reference: gene });
    }
    return found.sort((a, b) => a.gene.region - b.gene.region || a.gene.start - b.gene.start || a.type - b.type);
  }

  /** The gene of another track at a gene's place: the one with its stop codon, else the one it overlaps most. */
  counterpart(trackId, gene) {
    if (gene.track === trackId) return gene;
    if (trackId === "reference" && this.partner(gene)) return this.partner(gene);
    let best = null, bestShared = 0;
    for (const other of this.track(trackId).byRegion[gene.region]) {
      if (other.strand !== gene.strand || other.isLeftOut) continue;
      if (other.stop === gene.stop) return other;
      const shared = Math.min(gene.end, other.end) - Math.max(gene.start, other.start);
      if (shared > bestShared) [best, bestShared] = [other, shared];
    }
    return best;
  }

  /** First gene whose name or ID is the text, else begins with it; the reference is asked first. */
  find(text) {
    const wanted = text.toLowerCase();
    const tests = [(gene) => gene.name.toLowerCase() === wanted, (gene) => gene.name.toLowerCase().startsWith(wanted)];
    for (const test of tests) {
      for (const track of this.tracks) {
        const hit = track.genes.find(test);
        if (hit) return hit;
      }
    }
    return null;
  }
}

/** One gene of one track. */
class Gene {
  constructor(track, row, data) {
    const [region, start, end, strand, kind, status, score, name, segments, partner, note, codon] = row;
    Object.assign(this, { track, region, start, end, score, name, partner, codon });
    this.strand = strand > 0 ? "+" : "-";
    this.kind = data.kinds[kind];
    this.note = note < 0 ? "" : data.notes[note];
    this.segments = segments || [[start, end]];
    if (track === "reference") this.statuses = status;
    else this.status = status;
    this.isLeftOut = this.kind === "left out";
  }

  get stop() { return this.strand === "+" ? this.end : this.start; }
  get first() { return this.strand === "+" ? this.start : this.end; }
  get length() { return this.segments.reduce((sum, [start, end]) => sum + end - start, 0); }
  /** The strand with a minus sign as wide as the plus. */
  get sign() { return this.strand === "+" ? "+" : "−"; }
  get position() { return `${grouped(this.start + 1)}–${grouped(this.end)}`; }

  /** How this gene differs from another one, in words. */
  against(other) {
    if (!other || this.strand !== other.strand) return "";
    const same = this.segments.length === other.segments.length &&
      this.segments.every(([start, end], i) => start === other.segments[i][0] && end === other.segments[i][1]);
    if (same) return "identical";
    if (this.stop === other.stop) {
      if (this.segments.length > 1 || other.segments.length > 1) {
        return this.first === other.first ? "other introns" : "same stop, other start or introns";
      }
      const upstream = this.strand === "+" ? other.start - this.start : this.end - other.end;
      return `starts ${grouped(Math.abs(upstream))} nt ${upstream > 0 ? "upstream" : "downstream"}`;
    }
    const shared = Math.min(this.end, other.end) - Math.max(this.start, other.start);
    if (this.first === other.first) return "same start, other stop";
    return shared > 0 ? `other stop; overlaps ${other.name} by ${grouped(shared)} nt` : "";
  }
}
