/**
 * The page that takes the browser's ID token back to the provider: a form that is
 * posted by itself, with a button for a browser without scripts.
 *
 * @module
 */

import { htmlReply } from '../http/html-page.ts';
import type { Reply } from '../http/reply.ts';
import type { EndSessionForm } from './end-session.ts';

/** Answers with the page. Its policy lets it post to that origin, and run this one script. */
export function endSessionPage({ action, fields }: EndSessionForm, headers: Reply['headers']): Reply {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${quoted(name)}" value="${quoted(value)}">`,
  );
  const content = {
    title: 'You are signed out here',
    body: `<p>One more step signs you out at the sign-in service.</p>
<form method="post" action="${quoted(action)}">
${inputs.join('\n')}
<button>Continue</button>
</form>`,
    formAction: new URL(action).origin,
    script: 'document.forms[0].submit()',
  };
  return htmlReply(200, content, headers);
}

// What stands there is of the configuration, the metadata and the provider's own token; an address may hold an ampersand.
function quoted(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
