/**
 * Which variables are ours, which were meant to be, and which are none of our
 * business; and secrets that lie in files.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { settingNames, settingOf } from '../../../src/config/schema.ts';
import { faultsOf, filesWith, keyOf, outcomeOf, production } from './settings.ts';

describe('a variable that was meant to be ours', () => {
  it.each([
    ['CLIENT_SECERT', 'CLIENT_SECRET'],
    ['SESION_SECRETS', 'SESSION_SECRETS'],
    ['SESSION_SECRET', 'SESSION_SECRETS'],
    ['SESION_SECRET', 'SESSION_SECRETS'],
    ['SESSION_IDEL_TIMEOUT', 'SESSION_IDLE_TIMEOUT'],
    ['CORS_ALLOWED_ORIGIN', 'CORS_ALLOWED_ORIGINS'],
    ['CORS_ALOWED_ORIGIN', 'CORS_ALLOWED_ORIGINS'],
    ['TRUSTED_PROXYS', 'TRUSTED_PROXIES'],
    ['TRUST_PROXIES', 'TRUSTED_PROXIES'],
    ['REDIS_URI', 'REDIS_URL'],
    ['ISUER', 'ISSUER'],
    ['SCOPE', 'SCOPES'],
    ['PROT', 'PORT'],
    ['OPS_PROT', 'OPS_PORT'],
    ['CLIENT_SECRET_FLIE', 'CLIENT_SECRET_FILE'],
    ['INSECURE_ALOW_PLAIN_REDIS', 'INSECURE_ALLOW_PLAIN_REDIS'],
    ['client_id', 'CLIENT_ID'],
    ['CLAIMCHECK_PUBLIC_URL', 'PUBLIC_URL'],
    ['CLAIMCHECK_SESSION_SECRETS_FILE', 'SESSION_SECRETS_FILE'],
  ])('TL-07: is refused, and %s leads to %s', (name, meant) => {
    expect(faultsOf({ ...production, [name]: 'x' })).toEqual([`${name}: is not a setting. Did you mean ${meant}?`]);
  });

  it('TL-07: is found for every long name of ours with one letter less', () => {
    const unnoticed = settingNames
      .filter((name) => name.length >= 6)
      .map((name) => name.slice(0, 3) + name.slice(4))
      .filter((name) => faultsOf({ ...production, [name]: 'x' }).length !== 1);

    expect(unnoticed).toEqual([]);
  });

  it.each(settingNames.filter((name) => !settingOf(name).secret && name.length > 4))(
    'TL-07: is %s_FILE, which would be passed over in silence',
    (name) => {
      expect(faultsOf({ ...production, [`${name}_FILE`]: '/run/x' })).toEqual([
        `${name}_FILE: is not a setting. Only secrets can lie in a file; give ${name} itself.`,
      ]);
    },
  );
});

/** What stands around a program, by the kind of place. Names and forms as they are found there. */
const surroundings: Readonly<Record<string, readonly string[]>> = {
  'a container': ['PATH', 'HOSTNAME', 'HOME', 'PWD', 'SHLVL', 'TERM', 'NODE_VERSION', 'YARN_VERSION', '_'],
  'a shell': [
    ...['SHELL', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'LESSOPEN', 'LS_COLORS', 'OLDPWD', 'EDITOR', 'MAIL', 'TZ'],
    ...['SSH_CLIENT', 'SSH_CONNECTION', 'SSH_TTY', 'SSH_AUTH_SOCK', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'SSL_KEY_FILE'],
  ],
  tcsh: ['HOSTTYPE', 'OSTYPE', 'MACHTYPE', 'VENDOR', 'GROUP', 'REMOTEHOST'],
  'a desktop': [
    ...['DESKTOP_SESSION', 'SESSION_MANAGER', 'XDG_SESSION_ID', 'XDG_SESSION_TYPE', 'XDG_RUNTIME_DIR', 'GDMSESSION'],
    ...['DBUS_SESSION_BUS_ADDRESS', 'DISPLAY', 'WAYLAND_DISPLAY', 'COLORTERM', 'TERM_PROGRAM', 'VSCODE_IPC_HOOK'],
  ],
  npm: [
    ...['npm_config_cache', 'npm_config_user_agent', 'npm_lifecycle_event', 'npm_package_name', 'npm_execpath'],
    ...['npm_node_execpath', 'npm_command', 'INIT_CWD', 'NODE', 'NODE_ENV', 'NODE_PATH', 'NODE_EXTRA_CA_CERTS'],
  ],
  Kubernetes: [
    ...['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT', 'KUBERNETES_PORT', 'KUBERNETES_PORT_443_TCP'],
    ...['REDIS_PORT', 'REDIS_SERVICE_HOST', 'REDIS_SERVICE_PORT', 'ORDERS_API_SERVICE_HOST', 'POD_NAME', 'POD_IP'],
    ...[
      'CLAIMCHECK_SERVICE_HOST',
      'CLAIMCHECK_SERVICE_PORT',
      'CLAIMCHECK_PORT_3000_TCP',
      'CLAIMCHECK_PORT_3000_TCP_ADDR',
    ],
  ],
  'a build server': ['CI', 'GITHUB_ACTIONS', 'GITHUB_TOKEN', 'GITLAB_CI', 'RUNNER_OS', 'BUILD_ID', 'JOB_NAME'],
  'a platform': ['DYNO', 'K_SERVICE', 'K_REVISION', 'PUBLIC_IP', 'PUBLIC_DNS', 'AWS_REGION', 'WEBSITE_SITE_NAME'],
  systemd: ['INVOCATION_ID', 'JOURNAL_STREAM', 'NOTIFY_SOCKET', 'LISTEN_FDS', 'CREDENTIALS_DIRECTORY', 'MAINPID'],
  'a proxy': ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'],
  'other software': [
    ...['CLIENT_IP', 'DATABASE_URL', 'REDIS_HOST', 'REDIS_PASSWORD', 'LOG_FORMAT', 'DEBUG_LEVEL', 'TLS_CA_FILE'],
    ...[
      'WORKDIR',
      'HOSTS',
      'PORTS',
      'HTTP_PORT',
      'HTTPS_PORT',
      'APP_PORT',
      'APP_HOST',
      'POST',
      'HOSTFILE',
      'PORT_FILE',
    ],
    ...['OTEL_SERVICE_NAME', 'SENTRY_DSN', 'API_URL', 'API_KEY', 'APP_URL', 'BASE_URL', 'SESSION_STATE'],
  ],
};

describe('a variable of others', () => {
  it.each(Object.entries(surroundings))('TL-07: is let alone in %s', (_name, names) => {
    const env = Object.fromEntries(names.map((name) => [name, 'x']));

    expect(faultsOf({ ...env, ...production })).toEqual([]);
    expect(faultsOf({ ...env, ...production, CLIENT_SECERT: 'x' })).toHaveLength(1);
  });

  it('TL-07: is let alone where Kubernetes makes it of a service with our name', () => {
    expect(faultsOf({ ...production, CLAIMCHECK_PORT: 'tcp://10.96.0.7:3000' })).toEqual([]);
    expect(faultsOf({ ...production, CLAIMCHECK_PORT: '3000' })).toHaveLength(1);
  });

  it('is let alone where it has no value at all', () => {
    expect(faultsOf({ ...production, CLIENT_SECERT: undefined })).toEqual([]);
  });
});

describe('a secret in a file', () => {
  const secretOf = (text: string) => {
    const env = { ...production, CLIENT_SECRET: undefined, CLIENT_SECRET_FILE: '/run/secrets/client' };
    const outcome = outcomeOf(env, filesWith({ '/run/secrets/client': text }));
    return 'frontends' in outcome ? outcome.frontends[0].client.secret?.reveal() : outcome.faults;
  };

  it.each([
    ['nothing', ''],
    ['a line break', '\n'],
    ['a line break of Windows', '\r\n'],
    ['several line breaks', '\n\n\n'],
  ])('CA-18: is read without %s at its end', (_name, end) => {
    expect(secretOf(`a-secret-of-${'x'.repeat(30)}${end}`)).toBe(`a-secret-of-${'x'.repeat(30)}`);
  });

  it('CA-18: is not changed in any other way', () => {
    const refusal = ['CLIENT_SECRET: must be visible ASCII characters, without spaces at the ends.'];

    expect(secretOf('with a space, and "quotes"')).toBe('with a space, and "quotes"');
    expect(secretOf('  spaces at the ends  ')).toEqual(refusal);
    expect(secretOf('two\nlines')).toEqual(refusal);
    expect(secretOf('\uFEFFa mark of an editor')).toEqual(refusal);
  });

  it.each(settingNames.filter((name) => settingOf(name).secret))('CA-18: can be %s', (name) => {
    const env = { ...production, [name]: undefined, [`${name}_FILE`]: '/run/secret' };

    expect(faultsOf(env, filesWith({ '/run/secret': `${production[name as keyof typeof production]}\n` }))).toEqual([]);
    expect(faultsOf(env)).toEqual([`${name}_FILE: names the file /run/secret that cannot be read (ENOENT).`]);
  });

  it('CA-18: takes several keys', () => {
    const env = { ...production, SESSION_SECRETS: undefined, SESSION_SECRETS_FILE: '/run/keys' };
    const [first, second] = [keyOf(), keyOf()];
    const outcome = outcomeOf(env, filesWith({ '/run/keys': `${first},${second}\n` }));

    expect('sessionSecrets' in outcome && outcome.sessionSecrets.map((key) => key.reveal())).toEqual([first, second]);
  });
});
