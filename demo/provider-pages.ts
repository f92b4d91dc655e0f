/**
 * The pages of the demo's authorization server: sign in, sign out, something
 * went wrong. Plain documents without script, readable at 320 px, in light and dark.
 *
 * They look unlike Claimcheck's own page on purpose: a visitor of the demo should
 * see that another site asks who they are.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { people } from './people.ts';

const css = `
:root { color-scheme: light dark; --back: #eef1f7; --card: #fff; --ink: #1b2233; --soft: #566079; --line: #d5dbe8; --key: #2f4bb8; --tint: #eef2ff }
@media (prefers-color-scheme: dark) {
  :root { --back: #10141f; --card: #1a2030; --ink: #e8ecf6; --soft: #a4aec6; --line: #323b52; --key: #9db2ff; --tint: #232c44 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--back); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: min(100%, 25rem); background: var(--card); border: 1px solid var(--line); border-radius: 1rem; padding: clamp(1.25rem, 6vw, 2rem); box-shadow: 0 1.5rem 3rem -2rem rgb(20 30 60 / .45) }
.issuer { margin: 0 0 1.5rem; font-size: .8125rem; color: var(--soft); overflow-wrap: anywhere }
.issuer b { display: block; font-size: .9375rem; color: var(--key) }
h1 { margin: 0 0 .375rem; font-size: 1.5rem; line-height: 1.2; letter-spacing: -.015em }
p { margin: 0 0 1.5rem; color: var(--soft) }
form { display: grid; gap: .75rem; margin: 0 }
button { font: inherit; color: inherit; text-align: left; cursor: pointer; border-radius: .75rem; border: 1px solid var(--line); background: none; padding: .75rem 1rem; min-height: 2.75rem }
button:hover { border-color: var(--key); background: var(--tint) }
button:focus-visible { outline: 3px solid var(--key); outline-offset: 2px }
.person { display: grid; grid-template-columns: 2.5rem 1fr; column-gap: .875rem; align-items: center }
.person i { grid-row: span 2; width: 2.5rem; height: 2.5rem; display: grid; place-items: center; border-radius: 50%; font-style: normal; font-weight: 650; font-size: .875rem; background: var(--key); color: var(--card) }
.person b { font-weight: 600; line-height: 1.3 }
.person span { font-size: .875rem; line-height: 1.3; color: var(--soft); overflow-wrap: anywhere }
.plain { text-align: center; border-color: transparent; color: var(--soft) }
.main { text-align: center; background: var(--key); border-color: var(--key); color: var(--card); font-weight: 600 }
.main:hover { background: var(--ink); border-color: var(--ink) }
dl { margin: 0; font-size: .875rem } dt { color: var(--soft) } dd { margin: 0 0 .5rem; overflow-wrap: anywhere }
`;

const styleHash = createHash('sha256').update(css).digest('base64');

/**
 * The headers of every page here. No `form-action`: after the sign-in form the
 * browser follows redirects to the client, and Chromium applies the directive to them too.
 */
export const pageHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleHash}'; img-src data:; base-uri 'none'; frame-ancestors 'none'`,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

interface PageParts {
  readonly issuer: string;
  readonly title: string;
  /** Markup; every value in it is escaped by who made it. */
  readonly content: string;
}

function page({ issuer, title, content }: PageParts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="icon" href="data:,">
<style>${css}</style>
</head>
<body>
<main>
<p class="issuer"><b>Demo authorization server</b>${escaped(new URL(issuer).host)}</p>
<h1>${escaped(title)}</h1>
${content}
</main>
</body>
</html>
`;
}

/** Asks who wants to sign in: a button for each person, and one to cancel. It posts back to its own address. */
export function signInPage(parts: { readonly issuer: string; readonly clientId: string }): string {
  const buttons = people.map(
    ({ login, name, givenName, familyName, email }) =>
      `<button class="person" name="person" value="${escaped(login)}"><i aria-hidden="true">${escaped(
        `${givenName.charAt(0)}${familyName.charAt(0)}`,
      )}</i><b>${escaped(name)}</b><span>${escaped(email)}</span></button>`,
  );
  return page({
    issuer: parts.issuer,
    title: 'Who are you today?',
    content: `<p>Choose a person to sign in to <strong>${escaped(parts.clientId)}</strong>. The demo asks for no password.</p>
<form method="post">
${buttons.join('\n')}
<button class="plain" name="cancel" value="yes">Cancel</button>
</form>`,
  });
}

/**
 * Asks whether to sign out here too. `form` is oidc-provider's own, with the id
 * `op.logoutForm`; a button named `logout` says yes, submitting without it says no.
 */
export function signOutPage(parts: { readonly issuer: string; readonly form: string }): string {
  return page({
    issuer: parts.issuer,
    title: 'Sign out here too?',
    content: `<p>Somebody asked to end your session at this authorization server.</p>
${parts.form}
<form>
<button class="main" form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button>
<button class="plain" form="op.logoutForm">No, stay signed in</button>
</form>`,
  });
}

/** What is left to say when nobody asked to be sent anywhere after signing out. */
export function signedOutPage(issuer: string): string {
  return page({ issuer, title: 'You are signed out', content: '<p>You can close this window.</p>' });
}

/** Shows an OAuth error to a person, for requests that cannot be sent back to a client. */
export function errorPage(parts: {
  readonly issuer: string;
  readonly error: string;
  readonly description: string;
}): string {
  return page({
    issuer: parts.issuer,
    title: 'That did not work',
    content: `<p>Go back to where you came from and start again.</p>
<dl><dt>${escaped(parts.error)}</dt><dd>${escaped(parts.description)}</dd></dl>`,
  });
}
