/**
 * JSON as the formatter of the project would write it: members on lines of their
 * own, lists on one line where they fit.
 *
 * @module
 */

const width = 120;

/** The text of a value, with a line break at its end. */
export function jsonText(value: unknown): string {
  return `${written(value, { indent: '', before: 0 })}\n`;
}

interface Place {
  readonly indent: string;
  /** Characters that stand on the line already. */
  readonly before: number;
}

function written(value: unknown, { indent, before }: Place): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const short = `[${value.map((item) => written(item, { indent, before: 0 })).join(', ')}]`;
    if (!short.includes('\n') && before + short.length + 1 <= width) return short;
    const items = value.map((item) => inner + written(item, { indent: inner, before: inner.length }));
    return `[\n${items.join(',\n')}\n${indent}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, item]) => {
    const start = `${inner}${JSON.stringify(key)}: `;
    return start + written(item, { indent: inner, before: start.length });
  });
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`;
}
