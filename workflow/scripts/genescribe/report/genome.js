/** Agreement of a gene with the reference; the numbers are those of `gene_tables.Status`. */
const EXACT = 0, PARTLY = 1, EXTRA = 2, MISSED = 3, NOT_SCORED = 4;
const STATUS_CLASS = ["exact", "partly", "extra", "missed", "not-scored"];

/** Number of the first gene that begins at a base or after it; the genes are sorted by their start. */
function firstFrom(genes, base) {
  let low = 0, high = genes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (genes[middle].start < base) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One species' genes as the page embeds them. Coordinates are 0-based half-open. */
class Genome {
  constructor(text) {
    const data = JSON.parse(text);
    this.regions = data.regions;
    this.statusNames = ["Exact", data.partly, "Extra", "Missed", "Not scored"];
    this.numbers = new Map(data.tracks.map((track, number) => [track.id, number]));
    this.pairs = new Set(data.pairs.flatMap(([one, two]) => [`${one} ${two}`, `${two} ${one}`]));
    this.tracks = data.tracks.map((track) => {
      const genes = track.genes.map((row) => new Gene(track.id, row, data));
      const byRegion = data.regions.map(() => []);
      for (const gene of genes) byRegion[gene.region].push(gene);
      const longest = genes.reduce((size, gene) => Math.max(size, gene.end - gene.start), 0);
      return { id: track.id, label: track.label, genes, byRegion, longest };
    });
  }

  track(id) {
    return this.tracks.find((track) => track.id === id);
  }

  /** Whether two tracks were compared with each other. */
  canCompare(one, two) {
    return this.pairs.has(`${one} ${two}`);
  }

  /** What a predictor can be compared with: the reference first, then other predictors. */
  bases(predictor) {
    return this.tracks.map((track) => track.id).filter((id) => this.canCompare(predictor, id));
  }

  /**
   * A gene's status in a comparison of a predictor with a base (the reference or another predictor). Genes of
   * other tracks have that of their agreement with the base.
   */
  status(gene, { predictor, base }) {
    const isBase = gene.track === base;
    const status = gene.statuses[this.numbers.get(isBase ? predictor : base)] ?? NOT_SCORED;
    return status === EXTRA || status === MISSED ? (isBase ? MISSED : EXTRA) : status;
  }

  /** The gene of another track that a gene was matched with. */
  partner(gene, trackId) {
    const row = gene.partners[this.numbers.get(trackId)] ?? -1;
    return row < 0 ? null : this.track(trackId).genes[row];
  }

  /** All genes of both sides of a comparison, from left to right; those that were matched stand together. */
  comparisons(compared) {
    const track = this.track(compared.predictor), base = this.track(compared.base);
    if (!track || !base) return [];
    const found = track.genes.map((gene) =>
      ({ type: this.status(gene, compared), gene, other: this.partner(gene, base.id) }));
    for (const gene of base.genes) {
      const status = this.status(gene, compared);
      if (status === MISSED || status === NOT_SCORED) found.push({ type: status, gene, other: gene });
    }
    return found.sort((a, b) => a.gene.region - b.gene.region || a.gene.start - b.gene.start || a.type - b.type);
  }

  /** The gene of another track at a gene's place: its partner, else the one with its stop codon, else the one it overlaps most. */
  counterpart(trackId, gene) {
    if (gene.track === trackId) return gene;
    const partner = this.partner(gene, trackId);
    if (partner) return partner;
    const track = this.track(trackId), near = track.byRegion[gene.region];
    let best = null, bestShared = 0;
    for (let number = firstFrom(near, gene.start - track.longest); near[number]?.start < gene.end; number += 1) {
      const other = near[number];
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
    const [region, start, end, strand, kind, statuses, score, name, segments, partners, note, codon] = row;
    Object.assign(this, { track, region, start, end, statuses, score, name, partners, codon });
    this.strand = strand > 0 ? "+" : "-";
    this.kind = data.kinds[kind];
    this.note = note < 0 ? "" : data.notes[note];
    this.segments = segments || [[start, end]];
    this.isLeftOut = this.kind === "left out";
  }

  get stop() { return this.strand === "+" ? this.end : this.start; }
  get first() { return this.strand === "+" ? this.start : this.end; }
  get length() { return this.segments.reduce((sum, [start, end]) => sum + end - start, 0); }
  /** The strand with a minus sign as wide as the plus. */
  get sign() { return this.strand === "+" ? "+" : "−"; }
  get position() { return `${grouped(this.start + 1)}–${grouped(this.end)}`; }

  /** Whether another gene has the same strand and segments. */
  isLike(other) {
    return this.strand === other.strand && this.segments.length === other.segments.length &&
      this.segments.every(([start, end], i) => start === other.segments[i][0] && end === other.segments[i][1]);
  }

  /** How this gene differs from another one, in words. */
  against(other) {
    if (!other || this.strand !== other.strand) return "";
    if (this.isLike(other)) return "identical";
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
