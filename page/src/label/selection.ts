// Rows that one page hands to another, within this tab.
const PLACE = "tacit.selection";

export function selection(): number[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(found) ? found.filter((row): row is number => Number.isInteger(row)) : [];
  } catch {
    return [];
  }
}

export function hand(rows: number[]): void {
  sessionStorage.setItem(PLACE, JSON.stringify(rows));
}
