/**
 * What somebody probably meant to write.
 *
 * @module
 */

/**
 * The nearest of `known` that is at most `most` typing mistakes away: a letter too
 * many, too few, exchanged, or two neighbours swapped. `undefined` for none.
 *
 * For a known word of four letters only swapped ones count: too many others are near.
 */
export function nearestOf(
  word: string,
  known: readonly string[],
  { most }: { readonly most: number },
): string | undefined {
  if (word.length < 4 || word.length > 60) return undefined;
  return known
    .map((candidate) => ({ candidate, distance: distanceBetween(word, candidate) }))
    .filter(({ candidate, distance }) => {
      if (candidate.length <= 4) return isSwapped(word, candidate);
      return distance > 0 && distance <= (candidate.length < 8 ? 1 : most);
    })
    .sort((left, right) => left.distance - right.distance)[0]?.candidate;
}

function isSwapped(left: string, right: string): boolean {
  const sorted = (text: string) => [...text].sort().join('');
  return left !== right && sorted(left) === sorted(right) && distanceBetween(left, right) === 1;
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
