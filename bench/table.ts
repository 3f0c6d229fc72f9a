/**
 * Tables of plain text.
 *
 * @module
 */

/** Prints a table and an empty line. A column whose head begins with `<` is of figures, and stands to the right. */
export function showTable(heads: readonly string[], rows: readonly (readonly string[])[]): void {
  const names = heads.map((head) => head.replace(/^</, ""));
  const widths = names.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => heads[i]!.startsWith("<") ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)).join("  ").trimEnd();
  console.log([names, widths.map((width) => "─".repeat(width)), ...rows].map(line).join("\n") + "\n");
}

/** A figure as far as it means something. */
export function rate(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US");
}
