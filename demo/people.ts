/**
 * The two people who can sign in at the demo's authorization server, and their
 * orders. They exist so that the demo needs no registration and no password.
 *
 * Their subjects are opaque on purpose: code that takes a `sub` for a name or an
 * e-mail address breaks here rather than at a real authorization server.
 *
 * @module
 */

/** A person of the demo, with the claims their ID token can carry. */
export interface Person {
  /** What `login_hint` calls them, and the value of their button. */
  readonly login: string;
  /** The `sub` of their tokens; names nobody. */
  readonly sub: string;
  readonly name: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly email: string;
}

/** Alice Anders, who has three orders. */
export const alice: Person = {
  login: 'alice',
  sub: 'u-alice-7f3a',
  name: 'Alice Anders',
  givenName: 'Alice',
  familyName: 'Anders',
  email: 'alice@example.test',
};

/** Bob Brandt, who has two orders. */
export const bob: Person = {
  login: 'bob',
  sub: 'u-bob-c21e',
  name: 'Bob Brandt',
  givenName: 'Bob',
  familyName: 'Brandt',
  email: 'bob@example.test',
};

/** Everyone, in the order of the buttons on the sign-in page. */
export const people: readonly Person[] = [alice, bob];

/** The person a `login_hint` or a button names; `undefined` for anything but the exact login word. */
export function personByLogin(login: unknown): Person | undefined {
  return people.find((person) => person.login === login);
}

/** The person behind the `sub` of a token. */
export function personBySubject(sub: unknown): Person | undefined {
  return people.find((person) => person.sub === sub);
}

/** Whether a `logout_hint` means this person. RP-Initiated Logout, 2 leaves the form open, so subject, login word and address all count. */
export function isHintFor(person: Person, hint: unknown): boolean {
  return hint === person.sub || hint === person.login || hint === person.email;
}
