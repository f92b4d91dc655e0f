/**
 * What names and values of header fields are made of, for those that read and write them.
 *
 * @module
 */

/** A name of a field, or a method: RFC 9110, 5.6.2. */
export const token = /^[\w!#$%&'*+.^`|~-]+$/;

/** What stands in no line of a header, its end left off: RFC 9110, 5.5. CR and LF are among them, the tab is not. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
export const control = /[\x00-\x08\x0a-\x1f\x7f]/;
