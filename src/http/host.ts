/**
 * Which frontend a request is for, by its `Host`.
 *
 * The header is compared, never used: what we say of ourselves comes from the
 * configuration. Case, a default port and one final dot make no difference (RFC
 * 9110, 4.2.3); anything a second parser could read otherwise is refused.
 *
 * @module
 */

import type { Frontend } from './frontend.ts';

/** What is wrong with a `Host`: it has no single meaning, or it names nobody here. */
export type HostFault = 'host-missing' | 'host-ambiguous' | 'host-unknown';

/** A `Host` in its parts. */
export interface Host {
  /** Lower case, without a final dot; an IPv6 address in brackets, as WHATWG URL writes it. */
  readonly name: string;
  /** `undefined` when none was written. */
  readonly port: number | undefined;
}

// No userinfo, no path, no comma, no space, no percent code: RFC 9112, 3.2 allows uri-host and port alone.
const form = /^(?:([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\.?|(\[[0-9A-Fa-f:.]{2,45}\]))(?::(\d{1,5}))?$/;

/** The parts of a `Host`, or `undefined` when it is not one host with at most one port. */
export function parseHost(value: string): Host | undefined {
  if (value.length > 261) return undefined;
  const [, label, literal, digits] = form.exec(value) ?? [];
  const name = literal === undefined ? label?.toLowerCase() : canonicalLiteral(literal);
  const port = digits === undefined ? undefined : Number(digits);
  if (name === undefined || port === 0 || (port !== undefined && port > 65_535)) return undefined;
  return { name, port };
}

/** Whether `host` names the frontend. On a loopback name every port does, since ports are mapped there. */
export function hostMatches(frontend: Frontend, host: Host): boolean {
  const own = parseHost(frontend.host);
  if (own === undefined || own.name !== host.name) return false;
  const standard = frontend.secure ? 443 : 80;
  return frontend.loopback || (own.port ?? standard) === (host.port ?? standard);
}

/** The frontends of this server, found by `Host`. */
export class Hosts {
  readonly #frontends: readonly Frontend[];

  constructor(frontends: readonly Frontend[]) {
    this.#frontends = frontends;
  }

  /** The frontend that `value` names, or what is wrong with it. */
  find(value: string | undefined): Frontend | HostFault {
    if (value === undefined || value === '') return 'host-missing';
    // Compared, not looked up in a map: V8 would first look for the text among all that it keeps once (0026).
    for (const frontend of this.#frontends) if (frontend.host === value) return frontend;
    const host = parseHost(value);
    if (host === undefined) return 'host-ambiguous';
    return this.#frontends.find((frontend) => hostMatches(frontend, host)) ?? 'host-unknown';
  }
}

function canonicalLiteral(literal: string): string | undefined {
  return URL.canParse(`http://${literal}/`) ? new URL(`http://${literal}/`).hostname : undefined;
}
