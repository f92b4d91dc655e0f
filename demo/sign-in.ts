/**
 * How a person signs in at the demo's authorization server: the page with two
 * buttons, or no page at all when `login_hint` names one of the two.
 *
 * It checks no password and never asks for consent: who may sign in and what a
 * client gets is not what the demo is about.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http';
import type Provider from 'oidc-provider';
import type { Interaction, KoaContextWithOIDC, interactionPolicy as policies } from 'oidc-provider';
import { type Person, personByLogin, personBySubject } from './people.ts';
import { errorPage, pageHeaders, signInPage } from './provider-pages.ts';
import { interactionPolicy, providerErrors } from './quiet-provider.ts';
import { notifyClients } from './sign-out.ts';

type Context = Parameters<Parameters<Provider['use']>[0]>[0];

/** Where the sign-in page lives; the interaction's id follows. */
export const interactionPath = '/interaction/';

/** More than the form of the page can ever send. */
const maxFormBytes = 1024;

/**
 * When a person has to be asked: oidc-provider's own reasons, and two of ours,
 * a `login_hint` that names somebody else and an `acr_values` the session does not meet.
 * Consent stays requestable (`prompt=consent`) but is never missing.
 */
export function createSignInPolicy(acrValues: readonly string[]): policies.DefaultPolicy {
  const policy = interactionPolicy.base();
  const login = policy.get('login');
  login?.checks.add(
    new interactionPolicy.Check('hinted_person', 'another person is hinted at', 'login_required', ({ oidc }) => {
      const hinted = personByLogin(oidc.params?.login_hint);
      return hinted !== undefined && oidc.session?.accountId !== hinted.sub;
    }),
  );
  login?.checks.add(
    new interactionPolicy.Check('acr_values', 'the session is too weak', 'login_required', ({ oidc }) => {
      const wanted = requestedAcr(oidc.params?.acr_values, acrValues);
      return wanted !== undefined && oidc.result?.login === undefined && oidc.session?.acr !== wanted;
    }),
  );
  return policy;
}

/** Adds the sign-in page to the provider. `acrValues`: what it can state about a sign-in, the first by default. */
export function serveSignIn(provider: Provider, acrValues: readonly string[]): void {
  provider.use(async (context, next) => {
    if (!context.path.startsWith(interactionPath)) return next();
    try {
      await answerInteraction(context, { provider, acrValues });
    } catch (error) {
      if (!(error instanceof providerErrors.SessionNotFound)) throw error;
      const { error: code, error_description: description = 'the sign-in is unknown or over' } = error;
      show(context, { status: 400, html: errorPage({ issuer: provider.issuer, error: code, description }) });
    }
  });
}

interface SignInParts {
  readonly provider: Provider;
  readonly acrValues: readonly string[];
}

async function answerInteraction(context: Context, parts: SignInParts): Promise<void> {
  const { provider } = parts;
  const interaction = await provider.interactionDetails(context.req, context.res);
  if (context.path !== `${interactionPath}${interaction.uid}`)
    throw new providerErrors.SessionNotFound('not this sign-in');

  if (interaction.prompt.name === 'consent') return finish(context, { provider, result: { consent: {} } });

  const form = context.method === 'POST' ? await readForm(context.req) : undefined;
  if (form?.has('cancel')) {
    const result = { error: 'access_denied', error_description: 'the person cancelled' };
    return finish(context, { provider, result });
  }
  const person = personByLogin(form?.get('person')) ?? personByLogin(interaction.params.login_hint);
  if (person) return signIn(context, { ...parts, interaction, person });

  const clientId = String(interaction.params.client_id);
  return show(context, { status: form ? 400 : 200, html: signInPage({ issuer: provider.issuer, clientId }) });
}

async function signIn(
  context: Context,
  { provider, acrValues, interaction, person }: SignInParts & { interaction: Interaction; person: Person },
): Promise<void> {
  const acr = requestedAcr(interaction.params.acr_values, acrValues) ?? acrValues[0];
  const login = { accountId: person.sub, amr: ['demo'], ...(acr === undefined ? {} : { acr }) };
  await finish(context, { provider, result: { login } });
  await forgetOtherPerson(provider, { interaction, person });
}

/**
 * Lets go of who was signed in before, when another person takes over the browser.
 *
 * oidc-provider would do so by a form that submits itself. A client that follows
 * redirects, but runs no script, would be stuck there.
 */
async function forgetOtherPerson(
  provider: Provider,
  parts: { interaction: Interaction; person: Person },
): Promise<void> {
  const { uid, accountId } = parts.interaction.session ?? {};
  if (uid === undefined || accountId === parts.person.sub || personBySubject(accountId) === undefined) return;
  const session = await provider.Session.findByUid(uid);
  if (!session) return;
  await notifyClients(provider, session);
  session.accountId = parts.person.sub;
  session.authorizations = undefined;
  await session.persist();
}

async function finish(
  context: Context,
  { provider, result }: { provider: Provider; result: Parameters<Provider['interactionResult']>[2] },
): Promise<void> {
  const returnTo = await provider.interactionResult(context.req, context.res, result, {
    mergeWithLastSubmission: 'consent' in result,
  });
  context.status = 303;
  context.redirect(returnTo);
  context.set('Cache-Control', 'no-store');
}

function show(context: Context, { status, html }: { readonly status: number; readonly html: string }): void {
  context.status = status;
  context.set(pageHeaders);
  context.body = html;
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A request yields Buffers as long as nobody calls setEncoding, which nobody does here.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxFormBytes) return new URLSearchParams();
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

/** The first of `acr_values` we can state; OpenID Connect Core, 3.1.2.1: they stand in order of preference. */
function requestedAcr(acrValuesParameter: unknown, supported: readonly string[]): string | undefined {
  if (typeof acrValuesParameter !== 'string') return undefined;
  return acrValuesParameter.split(' ').find((value) => supported.includes(value));
}

/** The path of the page for an interaction; oidc-provider redirects there. */
export function interactionUrl(_context: KoaContextWithOIDC, interaction: Interaction): string {
  return `${interactionPath}${interaction.uid}`;
}
