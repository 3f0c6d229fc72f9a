/**
 * What the demo shows: a bar that moves on a terminal, plain lines elsewhere.
 *
 * @module
 */

/** `12,345`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** `3 turns`, `1 turn`. */
export function countOf(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** `66.4 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB`;
}

/** `2.1 s`, `12 ms`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** How far something has come. */
export interface Progress {
  to(done: number): void;
  /** Takes the bar away. */
  end(): void;
}

/** Follows a long work: redraws one line on a terminal, says every fourth part elsewhere. */
export function showProgress(label: string, from: number, total: number): Progress {
  return Deno.stdout.isTerminal() ? bar(label, total) : quarters(label, from, total);
}

/** Between two frames. */
const frameMs = 50;

function bar(label: string, total: number): Progress {
  const colour = Deno.env.get("NO_COLOR") ? (text: string) => text : (text: string) => `\x1b[36m${text}\x1b[0m`;
  let drawnAt = -Infinity;
  let width = 0;
  return {
    to(done) {
      if (performance.now() - drawnAt < frameMs) return;
      drawnAt = performance.now();
      const figures = `  ${count(done)} of ${count(total)} turns`;
      const cells = Math.max(0, Math.min(40, columns() - label.length - figures.length - 1));
      const full = Math.round(cells * done / total);
      write(`\r${label}${colour("█".repeat(full))}${"░".repeat(cells - full)}${figures}`);
      width = label.length + cells + figures.length;
    },
    end: () => write(`\r${" ".repeat(width)}\r`),
  };
}

function quarters(label: string, from: number, total: number): Progress {
  let said = Math.floor(4 * from / total);
  return {
    to(done) {
      const quarter = Math.floor(4 * done / total);
      if (quarter > said) console.log(`${label}${count(done)} of ${count(total)} turns`);
      said = quarter;
    },
    end: () => {},
  };
}

function columns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

function write(text: string): void {
  for (let bytes = new TextEncoder().encode(text); bytes.length > 0;) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}
