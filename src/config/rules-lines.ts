/**
 * Where in the text of a rules file something stands, for whoever has to change it.
 *
 * @module
 */

import { isNode, LineCounter, parseDocument } from 'yaml';

/** The line of `place`, such as `routes[0].path`, or of the nearest thing around it that is there; `undefined` where no line can be told. */
export function lineOfPlace(content: string, place: string): number | undefined {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines });
  for (const path = partsOf(place); path.length > 0; path.pop()) {
    const node: unknown = document.getIn(path, true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}

function partsOf(place: string): (string | number)[] {
  return [...place.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([text, index]) =>
    index === undefined ? text : Number(index),
  );
}
