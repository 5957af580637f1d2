// Names of classes as people type them.

/** The names in a line with commas; spaces around them do not count. */
export const parted = (text: string): string[] =>
  text.split(/[,\n]/).map((name) => name.trim()).filter((name) => name !== "");

/** Names that start with these letters, then those with a word that does, then those that only contain them. */
export function matching(names: string[], text: string): string[] {
  const wanted = text.trim().toLowerCase();
  const rank = (name: string): number => {
    const low = name.toLowerCase();
    if (low.startsWith(wanted)) return 0;
    if (low.split(/[\s_-]+/).some((word) => word.startsWith(wanted))) return 1;
    return low.includes(wanted) ? 2 : 3;
  };
  return names.map((name) => ({ name, rank: rank(name) })).filter((one) => one.rank < 3).sort((a, b) => a.rank - b.rank).map((one) => one.name);
}
