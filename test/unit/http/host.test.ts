/**
 * `Host`: compared with the configuration, never used.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { createFrontend } from '../../../src/http/frontend.ts';
import { Hosts, parseHost } from '../../../src/http/host.ts';

const frontend = (publicUrl: string) =>
  createFrontend({ id: publicUrl, publicUrl, authBasePath: '', trustedOrigins: [] });
const found = (publicUrl: string, value: string | undefined) => {
  const own = frontend(publicUrl);
  const result = new Hosts([own]).find(value);
  return result === own ? 'found' : result;
};

describe('Hosts', () => {
  it.each([
    ['as configured', 'https://app.example', 'app.example'],
    ['in other case', 'https://app.example', 'App.EXAMPLE'],
    ['with the default port of https', 'https://app.example', 'app.example:443'],
    ['with a final dot', 'https://app.example', 'app.example.'],
    ['with a final dot and the default port', 'https://app.example', 'APP.example.:443'],
    ['with its own port', 'https://app.example:8443', 'app.example:8443'],
    ['as an address', 'https://192.0.2.7:8443', '192.0.2.7:8443'],
    ['as an IPv6 address', 'https://[2001:db8::1]', '[2001:db8::1]'],
    ['as an IPv6 address written out', 'https://[2001:db8::1]', '[2001:DB8:0:0:0:0:0:1]:443'],
    ['on loopback', 'http://localhost:3000', 'localhost:3000'],
    ['on loopback under another port', 'http://localhost:3000', 'localhost:49152'],
    ['on loopback without a port', 'http://localhost:3000', 'localhost'],
    ['on a name below localhost', 'http://app.localhost:3000', 'app.localhost:1'],
    ['on the loopback address', 'http://127.0.0.1:3000', '127.0.0.1:9'],
    ['on the IPv6 loopback address', 'http://[::1]:3000', '[0:0:0:0:0:0:0:1]:9'],
  ])('PX-23: finds the frontend %s', (_case, publicUrl, value) => {
    expect(found(publicUrl, value)).toBe('found');
  });

  it.each([
    ['another host', 'https://app.example', 'evil.test'],
    ['a longer name', 'https://app.example', 'app.example.evil.test'],
    ['a name with ours at its end', 'https://app.example', 'evilapp.example'],
    ['a name below ours', 'https://app.example', 'x.app.example'],
    ['the name above ours', 'https://app.example', 'example'],
    ['another port', 'https://app.example', 'app.example:8443'],
    ['the default port of http', 'https://app.example', 'app.example:80'],
    ['no port where there is one', 'https://app.example:8443', 'app.example'],
    ['localhost where it is not ours', 'https://app.example', 'localhost'],
    ['a superstring of localhost', 'http://localhost:3000', 'evillocalhost:3000'],
    ['another spelling of loopback', 'http://localhost:3000', '127.0.0.1:3000'],
    ['a short spelling of an address', 'http://127.0.0.1:3000', '127.1:3000'],
    ['a hexadecimal address', 'http://127.0.0.1:3000', '0x7f.0.0.1:3000'],
    ['a mapped address', 'http://127.0.0.1:3000', '[::ffff:127.0.0.1]:3000'],
  ])('PX-23, GW-01: does not know %s', (_case, publicUrl, value) => {
    expect(found(publicUrl, value)).toBe('host-unknown');
  });

  it.each([
    ['userinfo', 'user@app.example'],
    ['userinfo with a password', 'app.example:443@evil.test'],
    ['a list', 'app.example, evil.test'],
    ['a list without space', 'app.example,app.example'],
    ['a path', 'app.example/api'],
    ['a backslash', 'app.example\\evil'],
    ['a query', 'app.example?x'],
    ['a fragment', 'app.example#x'],
    ['a scheme', 'https://app.example'],
    ['a space', 'app.example evil'],
    ['a space in front', ' app.example'],
    ['a percent code', 'app%2eexample'],
    ['two final dots', 'app.example..'],
    ['an empty label', 'app..example'],
    ['a dot in front', '.app.example'],
    ['a dot alone', '.'],
    ['a port alone', ':443'],
    ['an empty port', 'app.example:'],
    ['port 0', 'app.example:0'],
    ['a port beyond 65535', 'app.example:65979'],
    ['a port of six digits', 'app.example:000443'],
    ['a signed port', 'app.example:+443'],
    ['a second port', 'app.example:443:443'],
    ['brackets that hold no address', '[app.example]'],
    ['brackets that hold no IPv6 address', '[1:2]'],
    ['a zone', '[fe80::1%25eth0]'],
    ['an open bracket', '[::1'],
    ['a character beyond ASCII', 'app.examplé'],
    ['a control character', 'app.example\x01'],
    ['an asterisk', '*'],
    ['a very long name', `${'a.'.repeat(150)}example`],
  ])('PX-23: refuses %s as ambiguous', (_case, value) => {
    expect(found('https://app.example', value)).toBe('host-ambiguous');
  });

  it('PX-23: refuses a request without Host', () => {
    expect(found('https://app.example', undefined)).toBe('host-missing');
    expect(found('https://app.example', '')).toBe('host-missing');
  });

  it('GW-01: keeps several frontends apart', () => {
    const one = frontend('https://one.example');
    const two = frontend('https://two.example:8443');
    const hosts = new Hosts([one, two]);

    expect(hosts.find('ONE.example:443')).toBe(one);
    expect(hosts.find('two.example:8443')).toBe(two);
    expect(hosts.find('two.example')).toBe('host-unknown');
  });
});

describe('parseHost', () => {
  it('PX-23: leaves case, final dot and brackets in one form', () => {
    expect(parseHost('App.Example.:443')).toEqual({ name: 'app.example', port: 443 });
    expect(parseHost('[0:0::1]')).toEqual({ name: '[::1]', port: undefined });
  });
});
