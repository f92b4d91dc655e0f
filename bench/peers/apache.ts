/**
 * Apache with mod_auth_openidc, the usual answer where a web server is at hand: its
 * sessions in Redis, or in the shared memory of its processes.
 *
 * @module
 */

import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, type Program } from '../../test/support/programs.ts';
import { type Client, type Place, registerClient } from '../place.ts';
import { signInMany } from '../sign-in.ts';
import { startProgram } from './child.ts';
import type { Peer } from './peer.ts';

/** The program of the operating system. */
export const apacheProgram: Program = { names: ['apache2'], variable: 'APACHE', debianPackage: 'apache2' };

const modules = '/usr/lib/apache2/modules';

/** Sessions in Redis. */
export const apacheRedis: Peer = {
  name: 'apache-redis',
  title: 'Apache with mod_auth_openidc, sessions in Redis',
  missing,
  start: (place) => start(place, ['OIDCCacheType redis', `OIDCRedisCacheServer 127.0.0.1:${place.redis.port}`]),
};

/** Sessions in shared memory. */
export const apacheMemory: Peer = {
  name: 'apache-memory',
  title: 'Apache with mod_auth_openidc, sessions in shared memory',
  missing,
  // Room for each session, its state and what it caches of the provider.
  start: (place) => start(place, ['OIDCCacheType shm', `OIDCCacheShmMax ${place.sessions * 4 + 200}`]),
};

function missing(): string | undefined {
  if (find(apacheProgram) === undefined) return 'apache2 is not installed';
  return existsSync(`${modules}/mod_auth_openidc.so`) ? undefined : 'libapache2-mod-auth-openidc is not installed';
}

async function start(place: Place, cache: readonly string[]) {
  const client = await registerClient(place, '/redirect');
  const { port, origin } = client;
  // Its workers run as another user.
  chmodSync(place.directory, 0o755);
  const file = join(place.directory, `apache-${port}.conf`);
  writeFileSync(file, configuration(place, { client, cache }));
  const { pid, stop } = await startProgram(place, {
    command: [find(apacheProgram) ?? 'apache2', '-DFOREGROUND', '-f', file],
    port,
  });
  const callers = await signInMany({ origin, loginPath: '/api/small', count: place.sessions });
  return { pid, port, callers, stop };
}

interface Choice {
  readonly client: Client;
  readonly cache: readonly string[];
}

function configuration({ directory, provider, upstreamPort }: Place, { client, cache }: Choice): string {
  const loaded = [
    'mpm_event',
    'authn_core',
    'authz_core',
    'authz_user',
    'headers',
    'proxy',
    'proxy_http',
    'auth_openidc',
  ];
  return `
ServerRoot ${directory}
ServerName localhost
DefaultRuntimeDir ${directory}
PidFile ${directory}/apache-${client.port}.pid
Listen 127.0.0.1:${client.port}
ErrorLog ${directory}/apache-${client.port}.error
LogLevel error
User www-data
Group www-data
${loaded.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
KeepAlive On
MaxKeepAliveRequests 0
StartServers 2
ThreadsPerChild 64
MinSpareThreads 1
MaxSpareThreads 128
MaxRequestWorkers 128
${cache.join('\n')}
OIDCProviderMetadataURL ${provider.issuer}/.well-known/openid-configuration
OIDCClientID ${client.clientId}
OIDCClientSecret ${client.clientSecret}
OIDCRedirectURI ${client.origin}/redirect
OIDCCryptoPassphrase ${client.clientSecret}
OIDCScope "openid profile email orders.read"
OIDCPKCEMethod S256
OIDCAuthRequestParams login_hint=alice&resource=${encodeURIComponent(provider.resource)}
OIDCSessionInactivityTimeout 1800
OIDCPassClaimsAs both
<Location />
  AuthType openid-connect
  Require valid-user
</Location>
<Location /api/>
  RequestHeader set Authorization "Bearer %{OIDC_access_token}e"
  RequestHeader unset Cookie
  ProxyPass http://127.0.0.1:${upstreamPort}/private/ keepalive=On
</Location>
`;
}
