/**
 * Frontends of the rules file: what each setting means for them, and what is said
 * of a list that cannot be used.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { frontendsExample } from '../../../src/config/describe-frontends.ts';
import type { Environment } from '../../../src/config/environment.ts';
import { formOf } from '../../../src/config/frontend-schema.ts';
import { frontendSettings, keysOfSetting, reachOfSettings } from '../../../src/config/frontend-settings.ts';
import { examine, loadConfig } from '../../../src/config/load.ts';
import { rereadConfig } from '../../../src/config/reread.ts';
import { settingNames, settingOf } from '../../../src/config/schema.ts';
import { frontendOf } from '../../../src/http/frontend.ts';
import { certificatePair, development, faultsOf, filesWith, keyOf, production } from './settings.ts';

const identity = certificatePair();
const env = {
  ...production,
  PUBLIC_URL: undefined,
  CLIENT_ID: undefined,
  CLIENT_SECRET: undefined,
  API_UPSTREAM: undefined,
  RULES_FILE: 'rules.yaml',
  SECRET_OF_ORDERS: keyOf(),
  SECRET_OF_DESK: keyOf(),
} as const satisfies Environment;

const ordersEntry = [
  'id: orders',
  'public_url: https://orders.example',
  'client_id: a',
  'client_secret_env: SECRET_OF_ORDERS',
];
const deskEntry = ['id: desk', 'public_url: https://desk.example', 'client_id: b', 'client_secret_file: /run/desk'];
const topRoutes = ['routes:', '  - { path: /api, upstream: https://a.internal }'];

function entryOf(lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => `  ${at === 0 ? '-' : ' '} ${line}`);
}

/** A file with these frontends; `end` are its last lines. */
function rules(frontends: readonly (readonly string[])[], end: readonly string[] = topRoutes): string {
  return [...(frontends.length > 0 ? ['frontends:'] : []), ...frontends.flatMap(entryOf), ...end, ''].join('\n');
}

const filesFor = (text: string) =>
  filesWith({
    'rules.yaml': text,
    '/run/desk': `${env.SECRET_OF_DESK}\n`,
    '/run/empty': '\n',
    'cert.pem': identity.certificate,
    'key.pem': identity.key,
  });
const both = rules([ordersEntry, deskEntry]);
const load = (text = both, changes: Environment = {}) => loadConfig({ ...env, ...changes }, filesFor(text));
const faultsIn = (text: string, changes: Environment = {}) => faultsOf({ ...env, ...changes }, filesFor(text));

describe('the reach of settings', () => {
  it('is decided for every setting, and for no other', () => {
    expect(Object.keys(reachOfSettings)).toEqual(settingNames);
    expect(frontendSettings.length).toBeGreaterThan(30);
  });

  it('lets no secret of one frontend, and no name of its own, be inherited', () => {
    const secrets = frontendSettings.filter((name) => settingOf(name).secret);
    expect(secrets).toEqual(['CLIENT_SECRET', 'CLIENT_SECRET_FALLBACK']);
    for (const name of [...secrets, 'PUBLIC_URL', 'CLIENT_ID'] as const) expect(reachOfSettings[name]).toBe('own');
    expect(secrets.flatMap(keysOfSetting)).not.toContain('client_secret');
  });

  it('lets each be written in the form that it has', () => {
    const ofForm = (form: string) =>
      frontendSettings.filter((name) => !settingOf(name).secret && formOf(name) === form);
    expect(ofForm('boolean')).toEqual(['BACKCHANNEL_LOGOUT_STRICT', 'THIRD_PARTY_LOGIN', 'FRONTCHANNEL_LOGOUT']);
    expect(ofForm('list')).toEqual([
      'SCOPES',
      'AUTHORIZATION_PARAMS',
      'ID_TOKEN_AUDIENCES',
      'USER_CLAIMS',
      'CORS_ALLOWED_ORIGINS',
    ]);
  });
});

describe('a list of frontends', () => {
  it('says for each what it has for itself, and takes the rest from the environment', () => {
    const text = rules([
      [
        ...ordersEntry,
        'session_lifetime: 2h',
        'cors_allowed_origins: [https://a.orders.example]',
        'third_party_login: true',
      ],
      [...deskEntry, 'issuer: https://desk.login.example', 'scopes: openid profile', 'csrf_mode: header'],
    ]);
    const { frontends, listsFrontends } = load(text, { SESSION_LIFETIME: '4h', AUTH_BASE_PATH: '/bff' });
    const [orders, desk] = frontends;

    expect(listsFrontends).toBe(true);
    expect(orders).toMatchObject({
      ...{ id: 'orders', publicUrl: 'https://orders.example', issuer: production.ISSUER, authBasePath: '/bff' },
      ...{ sessionLifetimeMs: 2 * 3_600_000, corsAllowedOrigins: ['https://a.orders.example'], thirdPartyLogin: true },
    });
    expect(orders.client.secret?.reveal()).toBe(env.SECRET_OF_ORDERS);
    expect(desk).toMatchObject({
      ...{ id: 'desk', issuer: 'https://desk.login.example', scopes: ['openid', 'profile'], csrfMode: 'header' },
      ...{ sessionLifetimeMs: 4 * 3_600_000, corsAllowedOrigins: [], thirdPartyLogin: false },
    });
    expect(desk?.client.secret?.reveal()).toBe(env.SECRET_OF_DESK);
  });

  it('takes over nothing that one provider wants for another', () => {
    const text = rules([ordersEntry, [...deskEntry, 'issuer: https://desk.login.example']]);
    const [orders, desk] = load(text, {
      END_SESSION_ENDPOINT: 'https://login.example/out',
      ID_TOKEN_AUDIENCES: 'other',
      BACKCHANNEL_LOGOUT_STRICT: 'false',
    }).frontends;

    expect(orders).toMatchObject({ strictLogoutTokens: false, dialect: { trustedAudiences: ['other'] } });
    expect(orders.dialect.endSession.endpoint).toBe('https://login.example/out');
    expect(desk).toMatchObject({ strictLogoutTokens: true, dialect: { trustedAudiences: [] } });
    expect(desk?.dialect.endSession.endpoint).toBeUndefined();
  });

  it('keeps what is strict in the environment, whoever the provider is', () => {
    const text = rules([ordersEntry, [...deskEntry, 'issuer: https://desk.login.example']]);
    expect(load(text, { PAR: 'required', DPOP: 'on' }).frontends.map(({ client }) => client.flow)).toEqual([
      expect.objectContaining({ pushed: 'required', dpop: true }),
      expect.objectContaining({ pushed: 'required', dpop: true }),
    ]);
  });

  it('does not take the other one of two ways from the environment', () => {
    const text = rules([[...ordersEntry, 'page_upstream: https://assets.example'], deskEntry]);
    expect(load(text, { PUBLIC_DIR: 'public' }).frontends.map(({ page }) => page)).toEqual([
      { kind: 'upstream', url: 'https://assets.example' },
      { kind: 'files', directory: 'public' },
    ]);
  });

  it('gives each its own routes, or those at the top of the file', () => {
    const own = ['routes:', '  - { path: /api/b, upstream: https://b.internal }'];
    const { frontends } = load(rules([ordersEntry, [...deskEntry, ...own]]));
    expect(frontends.map(({ routes, routesAt }) => [routesAt, routes.map(({ path }) => path)])).toEqual([
      ['routes', ['/api']],
      ['frontends[1].routes', ['/api/b']],
    ]);
  });

  it('shows each its own certificate, and the one of the environment to who asks for none', () => {
    const own = ['tls_cert_file: cert.pem', 'tls_key_file: key.pem'];
    const other = certificatePair();
    const files = filesWith({
      ...{ 'rules.yaml': rules([[...ordersEntry, ...own], deskEntry]), '/run/desk': env.SECRET_OF_DESK },
      ...{ 'cert.pem': identity.certificate, 'key.pem': identity.key },
      ...{ 'common.pem': other.certificate, 'common-key.pem': other.key },
    });
    const { tls, frontends } = loadConfig(
      { ...env, TLS_CERT_FILE: 'common.pem', TLS_KEY_FILE: 'common-key.pem' },
      files,
    );
    expect(tls?.certificate).toBe(other.certificate);
    expect(frontends.map((each) => each.tls?.certificate)).toEqual([identity.certificate, other.certificate]);
  });

  it('lets a server without one be what it was', () => {
    const config = loadConfig(production, filesWith());
    expect(config).toMatchObject({ listsFrontends: false, frontends: [{ id: 'default', written: {} }] });
  });

  it('keeps the sessions of a server without one, where origin, issuer and client stay the same', () => {
    const alone = loadConfig(production, filesWith()).frontends[0];
    const entry = ['id: any-name', `public_url: ${production.PUBLIC_URL}`, `client_id: ${production.CLIENT_ID}`];
    const idWith = (...lines: readonly string[]) =>
      frontendOf(load(rules([[...entry, 'client_secret_env: SECRET_OF_ORDERS', ...lines], deskEntry])).frontends[0]).id;

    expect(idWith()).toBe(frontendOf(alone).id);
    expect(idWith('issuer: https://other.example')).not.toBe(frontendOf(alone).id);
  });

  it('CA-18: is told of by claimcheck config without a secret', () => {
    const { frontends } = examine(env, filesFor(both));
    const sources = frontends.map(({ settings }) => settings.find(({ name }) => name === 'CLIENT_SECRET'));
    expect(sources).toEqual([
      { name: 'CLIENT_SECRET', source: 'variable SECRET_OF_ORDERS', text: undefined, isValid: true },
      { name: 'CLIENT_SECRET', source: 'file /run/desk', text: undefined, isValid: true },
    ]);
    expect(JSON.stringify(frontends)).not.toContain(env.SECRET_OF_ORDERS);
    expect(frontends[0]?.settings.find(({ name }) => name === 'ISSUER')).toMatchObject({ source: 'inherited' });
  });
});

describe('TL-07: a list that is refused', () => {
  it('is not the one that all of these differ from', () => {
    expect(faultsIn(both)).toEqual([]);
  });

  it.each([
    [
      'an id of other letters',
      ['id: Desk', ...deskEntry.slice(1)],
      'frontends[1].id (line 6): must be a name of small letters, digits and hyphens, such as orders, of 32 characters at most.',
    ],
    [
      'an id that is there twice',
      ['id: orders', ...deskEntry.slice(1)],
      'frontends[1].id (line 6): is that of frontends[0] too.',
    ],
    [
      'no public URL',
      deskEntry.filter((line) => !line.startsWith('public_url')),
      'frontends[1].public_url (line 6): is missing. The origin of the page as browsers see it. For example https://app.example',
    ],
    [
      'no client',
      deskEntry.filter((line) => !line.startsWith('client_id')),
      'frontends[1].client_id (line 6): is missing. Our client identifier at the authorization server. For example orders-app',
    ],
    [
      'no secret',
      deskEntry.filter((line) => !line.startsWith('client_secret')),
      'frontends[1].client_secret_file (line 6): is missing, and needed unless CLIENT_AUTH_METHOD is private_key_jwt or a TLS method. Our client secret, as the provider gave it.',
    ],
    [
      'an empty file of a secret',
      [...deskEntry.slice(0, 3), 'client_secret_file: /run/empty'],
      'frontends[1].client_secret_file (line 9): names the file /run/empty that is empty.',
    ],
    [
      'a variable that is not there',
      [...deskEntry.slice(0, 3), 'client_secret_env: NOBODY'],
      'frontends[1].client_secret_env (line 9): names a variable that is not there, or empty.',
    ],
    [
      'a variable that is a setting',
      [...deskEntry.slice(0, 3), 'client_secret_env: SESSION_SECRETS'],
      'frontends[1].client_secret_env (line 9): must be the name of an environment variable that holds the secret, none of the settings.',
    ],
    [
      'a secret in two places',
      [...deskEntry, 'client_secret_env: SECRET_OF_DESK'],
      'frontends[1].client_secret_env (line 10): is given, and client_secret_file too. Choose one.',
    ],
    [
      'a secret in the file itself',
      [...deskEntry.slice(0, 3), `client_secret: ${keyOf()}`],
      'frontends[1] (line 6): has the key "client_secret", which is not known. A secret does not stand here: give client_secret_file or client_secret_env.',
    ],
    [
      'a setting of the process',
      [...deskEntry, 'redis_timeout: 1s'],
      'frontends[1] (line 6): has the key "redis_timeout", which is not known. REDIS_TIMEOUT is of the whole process: it stands in the environment.',
    ],
    [
      'a mistyped key',
      [...deskEntry, 'scope: openid'],
      'frontends[1] (line 6): has the key "scope", which is not known. Did you mean scopes?',
    ],
    [
      'a number',
      [...deskEntry.filter((line) => !line.startsWith('client_id')), 'client_id: 257714027772314751'],
      'frontends[1].client_id (line 9): must be a text; a number needs quotes.',
    ],
    [
      'a value of another form',
      [...deskEntry, 'session_lifetime: soon'],
      'frontends[1].session_lifetime (line 10): must be a duration such as 500ms, 30s, 15m or 8h, and at most 400d.',
    ],
    [
      'a list with two in one',
      [...deskEntry, 'scopes: [openid profile]'],
      'frontends[1].scopes (line 10): must be a list of texts without spaces and commas.',
    ],
    ['an empty folder', [...deskEntry, "public_dir: ''"], 'frontends[1].public_dir (line 10): must not be empty.'],
    [
      'the same host under another port',
      [...deskEntry.filter((line) => !line.startsWith('public_url')), 'public_url: https://ORDERS.example:8443'],
      'frontends[1].public_url (line 9): has the host name of frontends[0]: browsers keep one set of cookies for all ports of a name, so each needs a name of its own.',
    ],
    [
      'one on this machine',
      [...deskEntry.filter((line) => !line.startsWith('public_url')), 'public_url: https://desk.localhost'],
      'frontends[1].public_url (line 9): must be on a loopback name as those of the others, or none of them may be.',
    ],
    [
      'a certificate of one alone',
      [...deskEntry, 'tls_cert_file: cert.pem', 'tls_key_file: key.pem'],
      'frontends[1].tls_cert_file (line 10): must be given for each frontend or for none: they share one port. TLS_CERT_FILE is for those without.',
    ],
    [
      'an issuer in clear',
      [...deskEntry, 'issuer: http://login.example'],
      'frontends[1].issuer (line 10): must be https unless it is on this machine.',
    ],
    [
      'what one profile refuses',
      [...deskEntry, 'profile: fapi2'],
      'frontends[1].client_auth_method (line 6): must be private_key_jwt, tls_client_auth or self_signed_tls_client_auth with PROFILE=fapi2: a secret that two know proves too little.',
    ],
    [
      'an origin for everybody',
      [...deskEntry, "cors_allowed_origins: '*'"],
      'frontends[1].cors_allowed_origins (line 10): must be origins such as https://admin.example, separated by commas, none empty; * and null are not accepted.',
    ],
    [
      'a route of its own in clear',
      [...deskEntry, 'routes:', '  - { path: /api, upstream: http://b.internal }'],
      'frontends[1].routes[0].upstream (line 11): must be https unless it is on this machine. insecureAllowHttpUpstream: true allows plain http for this route.',
    ],
    [
      'a mistyped key of a route',
      [...deskEntry, 'routes:', '  - { path: /api, upstream: https://b.internal, acess: public }'],
      'frontends[1].routes[0] (line 11): has the key "acess", which is not known. Did you mean access?',
    ],
  ])('has %s', (_name, entry, fault) => {
    expect(faultsIn(rules([ordersEntry, entry]))).toEqual([`RULES_FILE ${fault}`]);
  });

  it('LS-29: has one client for two at the same issuer; at two issuers it may have the same name', () => {
    const entry = deskEntry.map((line) => (line === 'client_id: b' ? 'client_id: a' : line));
    expect(faultsIn(rules([ordersEntry, entry]))).toEqual([
      'RULES_FILE frontends[1].client_id (line 8): is the client of frontends[0] at the same issuer: what somebody agrees to for one app would count for the other. Register a client for each.',
    ]);
    expect(faultsIn(rules([ordersEntry, [...entry, 'issuer: https://desk.login.example']]))).toEqual([]);
  });

  it('has no routes for one, or routes for nobody', () => {
    const own = ['routes:', '  - { path: /api/b, upstream: https://b.internal }'];
    expect(faultsIn(rules([ordersEntry, [...deskEntry, ...own]], []))).toEqual([
      'RULES_FILE frontends[0].routes (line 2): is missing. Neither the frontend nor the top of the file has routes.',
    ]);
    expect(
      faultsIn(
        rules([
          [...ordersEntry, ...own],
          [...deskEntry, ...own],
        ]),
      ),
    ).toEqual(['RULES_FILE routes (line 15): are for frontends that have none of their own, and each has.']);
    expect(
      faultsIn(
        rules(
          [
            [...ordersEntry, ...own],
            [...deskEntry, ...own],
          ],
          [],
        ),
      ),
    ).toEqual([]);
  });

  it('stands beside settings of one frontend in the environment', () => {
    const sentence = 'is given, and frontends in RULES_FILE too. Each of them says it for itself.';
    expect(faultsIn(both, { PUBLIC_URL: 'https://app.example', CLIENT_ID: 'c', CLIENT_SECRET: keyOf() })).toEqual([
      `PUBLIC_URL: ${sentence}`,
      `CLIENT_ID: ${sentence}`,
      `CLIENT_SECRET: ${sentence}`,
    ]);
  });

  it('has faults in what is inherited, told once and where they are mended', () => {
    expect(faultsIn(both, { ISSUER: 'http://login.example', SESSION_LIFETIME: 'soon' })).toEqual([
      'ISSUER: must be https unless it is on this machine.',
      'SESSION_LIFETIME: must be a duration such as 500ms, 30s, 15m or 8h, and at most 400d.',
    ]);
    expect(faultsIn(both, { ISSUER: undefined })).toEqual([
      expect.stringMatching(/^RULES_FILE frontends\[0\]\.issuer \(line 2\): is missing\./),
      expect.stringMatching(/^RULES_FILE frontends\[1\]\.issuer \(line 6\): is missing\./),
    ]);
  });

  it('has faults of the process, of two entries, of routes and of upstreams at once', () => {
    const text = rules(
      [
        [...ordersEntry, 'csrf_mode: none'],
        [...deskEntry, 'session_idle_timeout: 9h'],
      ],
      [...topRoutes, '  - { path: /api/x, upstream: http://x.internal }'],
    );
    expect(faultsIn(text, { SESSION_STORE: 'memory', REDIS_URL: undefined, PORT: 'x' })).toEqual([
      'PORT: must be a whole number from 0 to 65535.',
      'SESSION_STORE: must be redis unless PUBLIC_URL is on a loopback name.',
      'RULES_FILE frontends[0].csrf_mode (line 6): must be token or header.',
      expect.stringContaining('frontends[1].session_idle_timeout (line 11): must not be longer than SESSION_LIFETIME.'),
      expect.stringContaining('routes[1].upstream'),
    ]);
  });

  it('names a variable that looks like a setting, which is no mistake then', () => {
    const entry = [...deskEntry.slice(0, 3), 'client_secret_env: CLIENT_SECRET_B'];
    const text = rules([ordersEntry, entry]);
    expect(faultsIn(text, { CLIENT_SECRET_B: keyOf() })).toEqual([]);
    expect(faultsIn(both, { CLIENT_SECRET_B: keyOf() })).toEqual([
      'CLIENT_SECRET_B: is not a setting. Did you mean CLIENT_SECRET?',
    ]);
  });

  it('is empty, or no list', () => {
    expect(faultsIn('frontends: []\n')).toEqual(['RULES_FILE frontends (line 1): must name at least one frontend.']);
    expect(faultsIn('frontends: orders\n')).toEqual(['RULES_FILE frontends (line 1): must be a list of frontends.']);
  });
});

describe('the example of the documentation', () => {
  it('is a list without faults', () => {
    const files = filesWith({
      ...{ 'rules.yaml': frontendsExample, '/run/secrets/orders': `${keyOf()}\n` },
      'dist/orders/index.html': '<!doctype html>',
    });
    const { frontends } = loadConfig({ ...env, DESK_SECRET: keyOf() }, files);
    expect(frontends.map(({ id, issuer, routes }) => [id, issuer, routes[0]?.path])).toEqual([
      ['orders', production.ISSUER, '/api/orders'],
      ['desk', 'https://login.staff.example', '/api/tickets'],
    ]);
  });
});

describe('warnings', () => {
  it('are told once where they are about all, and with the name where about one', () => {
    const local = { ...env, ISSUER: development.ISSUER, SESSION_STORE: 'memory', REDIS_URL: undefined };
    const text = rules([
      ['id: orders', 'public_url: http://orders.localhost:3000', ...ordersEntry.slice(2)],
      [
        'id: desk',
        'public_url: http://desk.localhost:3000',
        ...deskEntry.slice(2),
        'cors_allowed_origins: https://x.example',
      ],
    ]);
    const { warnings } = loadConfig(local, filesFor(text));
    expect(warnings.filter((warning) => warning.startsWith('SESSION_STORE=memory'))).toHaveLength(1);
    expect(warnings.filter((warning) => warning.startsWith('frontend '))).toEqual([
      expect.stringMatching(/^frontend desk: CORS_ALLOWED_ORIGINS: https:\/\/x\.example does not seem/),
    ]);
  });
});

describe('GW-14: a list that is read again', () => {
  const serving = load();
  const reread = (text: string, now: Environment = env) =>
    rereadConfig({ started: env, now, files: filesFor(text), serving });

  it('may have other secrets and routes', () => {
    const [secret, own] = [keyOf(), ['routes:', '  - { path: /api/b, upstream: https://b.internal }']];
    const { examined, needRestart } = reread(rules([[...ordersEntry, ...own], deskEntry]), {
      ...env,
      SECRET_OF_ORDERS: secret,
    });
    expect(needRestart).toEqual([]);
    expect(examined.config?.frontends[0]?.client.secret?.reveal()).toBe(secret);
    expect(examined.config?.frontends[0]?.routes.map(({ path }) => path)).toEqual(['/api/b']);
  });

  it('keeps what cannot change, and names it', () => {
    const text = rules([
      ordersEntry.map((line) => line.replace('orders.example', 'new.example')),
      [...deskEntry, 'scopes: openid'],
    ]);
    const { examined, needRestart } = reread(text);
    expect(needRestart).toEqual(['frontends[orders].public_url', 'frontends[desk].scopes']);
    expect(examined.config?.frontends.map(({ publicUrl }) => publicUrl)).toEqual([
      'https://orders.example',
      'https://desk.example',
    ]);
    expect(examined.config?.frontends[1]?.scopesAreDefault).toBe(true);
  });

  it.each([
    [
      'another entry',
      rules([
        ordersEntry,
        deskEntry,
        ['id: new', 'public_url: https://new.example', 'client_id: c', 'client_secret_env: SECRET_OF_DESK'],
      ]),
    ],
    ['one entry less', rules([ordersEntry])],
    ['an entry of another name', rules([ordersEntry, ['id: new', ...deskEntry.slice(1)]])],
  ])('is refused with %s, and says what to do', (_name, text) => {
    expect(reread(text).examined.error?.faults).toEqual([
      expect.stringMatching(
        /^RULES_FILE frontends \(line 2\): cannot get or lose an entry while the server runs: it serves orders, desk\. Restart it\.$/,
      ),
    ]);
    expect(reread(both).examined.error).toBeUndefined();
  });

  it('is refused where there was none, and where it goes', () => {
    const gone = reread(rules([]), { ...env, PUBLIC_URL: 'https://app.example' });
    expect(gone.examined.error?.faults).toContain(
      'RULES_FILE frontends: cannot go while the server runs: it serves orders, desk. Restart it.',
    );
    const alone = { ...production, API_UPSTREAM: undefined, RULES_FILE: 'rules.yaml' };
    const only = loadConfig(alone, filesFor(rules([])));
    const came = rereadConfig({ started: alone, now: alone, files: filesFor(both), serving: only });
    expect(came.examined.error?.faults).toContain(
      'RULES_FILE frontends (line 2): cannot get or lose an entry while the server runs: it serves default. Restart it.',
    );
  });
});
