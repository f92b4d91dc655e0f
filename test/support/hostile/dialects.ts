/**
 * What providers differ in, as switches of the hostile provider: one arrangement
 * for each section of docs/providers.md.
 *
 * It plays what that page says of them, and nothing else of theirs.
 *
 * @module
 */

import type { HostileProvider } from '../hostile-provider.ts';
import type { JsonObject } from './json.ts';
import type { LogoutTokenOptions } from './logout.ts';
import type { Script } from './script.ts';

/** One provider as the page has it. */
export interface Dialect {
  /** The heading of its section. */
  readonly section: string;
  /** Which block of settings of that section is meant; the first by default. */
  readonly block?: number;
  /** Behind the origin of the issuer. */
  readonly path?: string;
  /** Whether the issuer ends with a slash. */
  readonly slash?: boolean;
  readonly arrange: (script: Script, at: HostileProvider) => void;
  /** The parameters with which a sign-out arrives there; `undefined` where none does. */
  readonly signOut: readonly string[] | undefined;
  /** What becomes of the browser there. */
  readonly signOutStatus?: number;
  /** What it changes in a logout token; `undefined` where it sends none. */
  readonly logoutToken?: Omit<LogoutTokenOptions, 'sid' | 'sub'>;
  /** Whether a refresh token stays the same. */
  readonly keepsRefreshToken?: boolean;
}

const standard = ['client_id', 'logout_hint', 'post_logout_redirect_uri', 'state'];
const lacking = (...names: readonly string[]): JsonObject => Object.fromEntries(names.map((name) => [name, undefined]));
const noLogout = lacking(
  'backchannel_logout_supported',
  'backchannel_logout_session_supported',
  'frontchannel_logout_supported',
  'frontchannel_logout_session_supported',
);

/** Claims and members of every token answer. */
function tokens(script: Script, changes: Partial<Pick<Script['token'], 'claims' | 'fields' | 'expiresIn'>>): void {
  Object.assign(script.token, changes);
  Object.assign(script.refresh, changes);
}

const withAudience = (script: Script): void => {
  script.authorize.refuses = ({ audience, resource }) =>
    audience === undefined || resource !== undefined ? 'invalid_request' : undefined;
};

const auth0 = (script: Script): void => {
  withAudience(script);
  script.token.refreshToken = 'offline-access';
  script.refresh.rotation = 'keep';
  script.authorize.parameters = (honest) => ({ ...honest, iss: undefined });
};

const okta = (script: Script): void => {
  script.metadata.fields = { ...noLogout, ...lacking('authorization_response_iss_parameter_supported') };
  script.authorize.parameters = { iss: undefined };
  script.token.refreshToken = 'offline-access';
  script.refresh.rotation = 'keep';
  script.endSession.demandsIdToken = 'always';
  tokens(script, { claims: { name: undefined, email: undefined, sid: undefined } });
};

/** All of them. */
export const dialects: readonly Dialect[] = [
  {
    section: 'Keycloak',
    path: '/realms/main',
    arrange: (script) => {
      script.authorize.parameters = { session_state: '9e6c1b5e-8f3a-4c58-9d0e-2f6f3a5d7c11' };
      script.authorize.refuses = ({ scope = '' }) => (scope.includes('offline_access') ? 'invalid_scope' : undefined);
      script.refresh.reuse = 'tolerated';
      tokens(script, {
        claims: { typ: 'ID', preferred_username: 'alice' },
        fields: { refresh_expires_in: 1800, 'not-before-policy': 0, session_state: '9e6c1b5e' },
      });
    },
    signOut: standard,
    logoutToken: {},
  },
  {
    section: 'Auth0',
    slash: true,
    arrange: auth0,
    signOut: standard,
    logoutToken: {},
    keepsRefreshToken: true,
  },
  {
    section: 'Auth0',
    block: 1,
    slash: true,
    arrange: (script) => {
      auth0(script);
      script.metadata.fields = lacking('end_session_endpoint');
      script.endSession.returnParameter = 'returnTo';
    },
    signOut: ['client_id', 'returnTo'],
    keepsRefreshToken: true,
  },
  { section: 'Okta', path: '/oauth2/default', arrange: okta, signOut: undefined, keepsRefreshToken: true },
  // A script is told no address: test/flow/sign-out-by-form.test.ts posts the form.
  { section: 'Okta', block: 1, path: '/oauth2/default', arrange: okta, signOut: undefined, keepsRefreshToken: true },
  {
    section: 'Microsoft Entra ID',
    path: '/6f1c0a5e-0000-4000-8000-3f0f5c3a9d11/v2.0',
    arrange: (script) => {
      script.metadata.fields = {
        ...lacking('revocation_endpoint', 'introspection_endpoint', 'code_challenge_methods_supported'),
        ...lacking('authorization_response_iss_parameter_supported', 'backchannel_logout_supported'),
      };
      script.authorize.parameters = { iss: undefined, session_state: '0055f0a4' };
      script.authorize.refuses = ({ resource }) => (resource === undefined ? undefined : 'invalid_request');
      script.jwks.keys = (keys) => keys.map(({ alg: _alg, ...key }) => key);
      script.token.refreshToken = 'offline-access';
      script.refresh.reuse = 'tolerated';
      script.userinfo.status = 401; // the access token is for the API
      tokens(script, {
        claims: (honest) => ({
          ...honest,
          // nbf is the same instant there; the library holds it against the time of the machine, which a test does not move.
          iat: Number(honest['iat']) - 300,
          ...{ ver: '2.0', tid: '6f1c0a5e-0000-4000-8000-3f0f5c3a9d11', preferred_username: 'alice@example.test' },
        }),
        fields: { ext_expires_in: 3600, scope: 'api://orders/access openid profile email' },
      });
    },
    signOut: standard,
  },
  {
    section: 'Google',
    arrange: (script) => {
      script.metadata.fields = {
        ...noLogout,
        ...lacking('end_session_endpoint', 'introspection_endpoint'),
        scopes_supported: ['openid', 'email', 'profile'],
      };
      script.authorize.parameters = { authuser: '0', hd: 'example.test', prompt: 'consent', scope: 'email openid' };
      script.authorize.refuses = ({ scope = '' }) => (scope.includes('offline_access') ? 'invalid_scope' : undefined);
      script.token.refreshToken = 'access-type';
      script.refresh.rotation = 'omit';
      tokens(script, {
        claims: { azp: 'claimcheck-test', hd: 'example.test', sid: undefined, auth_time: undefined },
        fields: { scope: 'openid https://www.googleapis.com/auth/userinfo.email' },
      });
    },
    signOut: undefined,
    keepsRefreshToken: true,
  },
  {
    section: 'Amazon Cognito',
    path: '/eu-central-1_AbCdEfGhI',
    arrange: (script) => {
      script.metadata.fields = {
        ...noLogout,
        ...lacking('introspection_endpoint', 'authorization_response_iss_parameter_supported'),
        ...lacking('code_challenge_methods_supported'),
        scopes_supported: ['openid', 'email', 'phone', 'profile'],
      };
      script.authorize.parameters = { iss: undefined };
      script.authorize.refuses = ({ scope = '' }) => (scope.includes('offline_access') ? 'invalid_scope' : undefined);
      script.refresh.rotation = 'omit';
      script.endSession.returnParameter = 'logout_uri';
      tokens(script, {
        claims: { token_use: 'id', 'cognito:username': 'alice', sid: undefined, origin_jti: 'x' },
        fields: { scope: undefined },
      });
    },
    signOut: ['client_id', 'logout_uri'],
    keepsRefreshToken: true,
  },
  {
    section: 'ZITADEL',
    arrange: (script) => {
      script.authorize.parameters = { iss: undefined };
      script.metadata.fields = lacking('authorization_response_iss_parameter_supported');
      script.token.refreshToken = 'offline-access';
      tokens(script, {
        claims: (honest) => ({
          ...honest,
          ...{ aud: [honest['aud'], '257714027772314751', '257713952794870157'], azp: honest['aud'], locale: null },
        }),
      });
    },
    signOut: standard,
    logoutToken: {},
  },
  {
    section: 'authentik',
    path: '/application/o/orders',
    slash: true,
    arrange: (script) => {
      script.authorize.parameters = (honest) => ({ ...honest, iss: undefined });
      script.token.refreshToken = 'offline-access';
    },
    signOut: standard,
    logoutToken: {},
  },
  {
    section: 'Ory Hydra',
    arrange: (script) => {
      withAudience(script);
      script.metadata.fields = { scopes_supported: ['offline_access', 'offline', 'openid'] };
      script.token.refreshToken = 'offline-access';
      script.endSession.demandsIdToken = 'with-address';
    },
    signOut: ['client_id'],
    signOutStatus: 200,
    logoutToken: { claims: { exp: undefined, sub: undefined }, jose: { header: { typ: 'JWT' } } },
  },
  {
    section: 'GitLab',
    arrange: (script) => {
      script.metadata.fields = {
        ...noLogout,
        ...lacking('end_session_endpoint', 'authorization_response_iss_parameter_supported'),
        scopes_supported: ['api', 'read_user', 'openid', 'profile', 'email'],
      };
      script.authorize.parameters = { iss: undefined };
      script.refresh.reuse = 'refused';
      tokens(script, { claims: { sub_legacy: 'x', sid: undefined }, expiresIn: 7200 });
    },
    signOut: undefined,
  },
];

/** Arranges one; the issuer's slash, which stands in everything it signs, comes on top. */
export function speak({ arrange, slash = false }: Dialect, at: HostileProvider): void {
  const { script, issuer } = at;
  arrange(script, at);
  if (!slash) return;
  const iss = `${issuer}/`;
  const { fields } = script.metadata;
  script.metadata.fields = {
    ...(typeof fields === 'object' ? fields : {}),
    ...lacking('authorization_response_iss_parameter_supported'),
    issuer: iss,
  };
  tokens(script, { claims: { iss } });
  script.logoutToken.claims = { iss };
}
