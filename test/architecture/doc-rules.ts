/**
 * Every file says what it is for, and every export says something of itself.
 *
 * @module
 */

import { exportsOf, wordsOf } from './name-rules.ts';
import { docBefore, type SourceFile, type Violation } from './source-files.ts';

/** Files that do not begin with a module comment that says something. */
export function moduleViolations(files: readonly SourceFile[]): readonly Violation[] {
  return files
    .filter(({ text }) => {
      const [, comment = ''] = /^(?:#![^\n]*\n)?\/\*\*(.*?)\*\//s.exec(text) ?? [];
      return !/@module\b/.test(comment) || wordsOf(comment.replace(/@module.*/s, '')).length < 3;
    })
    .map(({ path }) => ({
      subject: path,
      text: 'does not begin with a comment that says what it is for, and @module',
    }));
}

/** Exports without a sentence, or with one that is only the name again. */
export function exportDocViolations(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    exportsOf(file).flatMap(({ name, statement }) => {
      const subject = `${file.path}#${name}`;
      const doc = docBefore(file.text, statement.start);
      if (doc === undefined || doc.includes('@module')) return [{ subject, text: 'has no sentence' }];
      return isOnlyTheName(doc, name) ? [{ subject, text: `its sentence is only its name again: ${doc}` }] : [];
    }),
  );
}

/** Words that add nothing to a name. */
const fillers = new Set(
  'a an the this that of for to is are be it its in on with and or by from as type interface class function method constant value object returns return gets get sets set represents options'.split(
    ' ',
  ),
);

/** Does the sentence hold no word that the name does not? Plural and verb endings aside. */
export function isOnlyTheName(doc: string, name: string): boolean {
  const stem = (word: string): string =>
    word
      .replace(/y$/, 'i')
      .replace(/(s|es|ed|ing|e)$/, '')
      .replace(/e$/, '');
  const known = new Set(wordsOf(name).map(stem));
  return wordsOf(doc).every((word) => fillers.has(word) || known.has(stem(word)));
}
