/**
 * What somebody probably meant to write.
 *
 * @module
 */

/** The nearest of `known` that is at most two single-letter changes away and alike in most letters; `undefined` for none. */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  if (word.length < 4 || word.length > 60) return undefined;
  const most = word.length < 8 ? 1 : 2;
  return known
    .map((candidate) => ({ candidate, distance: distanceBetween(word, candidate) }))
    .filter(({ distance }) => distance > 0 && distance <= most)
    .sort((left, right) => left.distance - right.distance)[0]?.candidate;
}

// Damerau-Levenshtein, restricted: insert, delete, exchange, swap two neighbours.
function distanceBetween(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[row - 1] === right[column - 1];
      const options = [
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      ];
      const isSwap = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (isSwap) options.push((beforeLast[column - 2] ?? 0) + 1);
      current.push(Math.min(...options));
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}
