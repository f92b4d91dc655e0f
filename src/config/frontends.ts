/**
 * The frontends that the rules file lists: each is held against the same checks as
 * a server that has one alone, and all of them against each other.
 *
 * @module
 */

import { isLoopbackName } from '../base/loopback.ts';
import { frontendFrom } from './assemble.ts';
import { flowFrom } from './authorization-flow.ts';
import type { FrontendConfig, RouteConfig } from './config.ts';
import { contradictionsIn } from './cross-checks.ts';
import type { Fault } from './faults.ts';
import { frontendSettings, isShared, keysOfSetting } from './frontend-settings.ts';
import { type EntryAround, type GivenFrontend, givenOf, inEffect } from './given-frontend.ts';
import { isProduction, warningsOf } from './production-checks.ts';
import { namesOf, valuesOf } from './read-values.ts';
import { contradictionsAmongRoutes, routeFrom } from './route-rules.ts';
import type { ParsedRules, PlacedFrontend } from './rules-file.ts';
import type { SettingName, Values } from './schema.ts';
import { type SettingState, stateOf } from './setting-state.ts';

/** What the list is read beside. */
export interface ListAround extends EntryAround {
  /** The frontends that are served, where the configuration is read again. */
  readonly serving?: readonly FrontendConfig[] | undefined;
}

/** The settings of one frontend as they were found. */
export interface FrontendState {
  readonly id: string;
  readonly settings: readonly SettingState[];
}

/** What came of the list. */
export interface ExaminedFrontends {
  /** Complete only where there is no fault. */
  readonly frontends: readonly FrontendConfig[];
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
  readonly states: readonly FrontendState[];
  /** What differs of what is served and cannot change, such as `frontends[orders].scopes`. */
  readonly needRestart: readonly string[];
}

/** One of them under examination. */
interface Looked {
  readonly given: GivenFrontend;
  readonly values: Values;
  readonly faults: readonly Fault[];
  readonly routes: readonly RouteConfig[];
  readonly routesAt: string;
}

/** Examines the list of a rules file. */
export function examineFrontends(parsed: ParsedRules, { serving, ...around }: ListAround): ExaminedFrontends {
  const kept = (parsed.frontends ?? []).map((placed) => keep(placed, serving));
  const looked = kept.map(({ placed }) => look(placed, { parsed, around }));
  const faults = [
    ...(serving === undefined || parsed.data === undefined ? [] : memberFaults(parsed, serving)),
    ...unusedRoutes(parsed),
    ...looked.flatMap((one) => one.faults),
    ...faultsAmong(looked),
  ];
  return {
    faults,
    frontends: faults.length > 0 || parsed.data === undefined ? [] : looked.map((one) => configOf(one, around)),
    warnings: warningsAmong(looked),
    states: looked.map(statesOf),
    needRestart: kept.flatMap(({ placed, differing }) => differing.map((key) => `frontends[${placed.rule.id}].${key}`)),
  };
}

function keep(placed: PlacedFrontend, serving: ListAround['serving']) {
  const served = serving?.find(({ id }) => id === placed.rule.id);
  if (served === undefined) return { placed, differing: [] };
  const { rule, differing } = inEffect(placed.rule, served);
  return { placed: { ...placed, rule }, differing };
}

function look(placed: PlacedFrontend, { parsed, around }: { parsed: ParsedRules; around: EntryAround }): Looked {
  const given = givenOf(placed, around);
  const { values, faults: ofValues } = valuesOf(given);
  const own = [...given.faults, ...ofValues.map((fault) => told(fault, given))];
  const faulty = namesOf([...given.faults, ...ofValues]);
  const contradictions = contradictionsIn(values, { faulty, env: given.env, files: around.files });
  const routes = placed.routes ?? parsed.routes;
  const ofRoutes = contradictionsAmongRoutes(routes ?? [], {
    production: isProduction(values),
    audienceIsName: values.API_AUDIENCE_PARAMETER === 'audience',
    flow: flowFrom(values),
  }).map((fault) => ({ name: 'RULES_FILE', ...fault }));
  const noRoutes = 'is missing. Neither the frontend nor the top of the file has routes.';
  return {
    ...{ given, values },
    faults: [
      ...own,
      ...contradictions.map((fault) => told(fault, given)),
      ...(routes === undefined ? [placedFault(given, { key: 'routes', sentence: noRoutes })] : []),
      ...ofRoutes,
    ],
    routes: ofRoutes.length > 0 ? [] : (routes ?? []).map(({ rule }) => routeFrom(rule)),
    routesAt: placed.routes === undefined ? 'routes' : `frontends[${placed.at}].routes`,
  };
}

function configOf({ given, values, routes, routesAt }: Looked, { files }: EntryAround): FrontendConfig {
  const { id, written } = given;
  return frontendFrom(values, { id, written, routes, routesAt, files });
}

// A fault is told where it is mended: in the entry, or in the environment where that is inherited.
function told(fault: Fault, given: GivenFrontend): Fault {
  const name = fault.setting ?? fault.name;
  if (isShared(name)) return fault;
  const setting = name as SettingName; // what is not shared is a setting of a frontend
  if (given.sources.get(setting) === 'inherited') return fault;
  const keys = keysOfSetting(setting);
  const key = keys.find((one) => given.written[one] !== undefined) ?? keys[0];
  return { ...placedFault(given, { key, sentence: fault.sentence }), setting };
}

function placedFault(
  { at }: Pick<GivenFrontend, 'at'>,
  { key, sentence }: { readonly key: string; readonly sentence: string },
): Fault {
  return { name: 'RULES_FILE', place: `frontends[${at}].${key}`, sentence };
}

// Which frontends there are is decided at the start, by whoever looks at all of it.
function memberFaults({ frontends = [] }: ParsedRules, serving: readonly FrontendConfig[]): readonly Fault[] {
  const [now, next] = [serving.map(({ id }) => id), frontends.map(({ rule }) => rule.id)];
  const isSame = now.length === next.length && now.every((id) => next.includes(id));
  if (isSame && serving.every(({ written }) => written['public_url'] !== undefined)) return [];
  const sentence = `cannot get or lose an entry while the server runs: it serves ${now.join(', ')}. Restart it.`;
  return [{ name: 'RULES_FILE', place: 'frontends', sentence }];
}

function unusedRoutes({ data, routes, frontends = [] }: ParsedRules): readonly Fault[] {
  // Of an entry with a fault it is not known whether it has any.
  const isUsed = data === undefined || routes === undefined || frontends.some((one) => one.routes === undefined);
  const sentence = 'are for frontends that have none of their own, and each has.';
  return isUsed ? [] : [{ name: 'RULES_FILE', place: 'routes', sentence }];
}

type Rule = (one: Looked, before: readonly Looked[]) => readonly { key: string; sentence: string }[];

function faultsAmong(looked: readonly Looked[]): readonly Fault[] {
  return looked.flatMap((one, place) =>
    rules.flatMap((rule) => rule(one, looked.slice(0, place)).map((fault) => placedFault(one.given, fault))),
  );
}

const nameOf = (one: Looked) => `frontends[${one.given.at}]`;

/** What one must not have in common with another, and what all must. */
const rules: readonly Rule[] = [
  function sameId(one, before) {
    const other = before.find(({ given }) => given.id === one.given.id);
    return other === undefined ? [] : [{ key: 'id', sentence: `is that of ${nameOf(other)} too.` }];
  },

  // RFC 6265, 8.5: ports do not separate cookies, so each would take the other's away.
  function sameHost(one, before) {
    const host = hostOf(one);
    const other = host === undefined ? undefined : before.find((candidate) => hostOf(candidate) === host);
    const sentence = `has the host name of ${nameOf(other ?? one)}: browsers keep one set of cookies for all ports of a name, so each needs a name of its own.`;
    return other === undefined ? [] : [{ key: 'public_url', sentence }];
  },

  // What is allowed on a loopback name would stand beside what others reach.
  function mixedPlaces(one, before) {
    const isLocal = isLoopback(one);
    const other = isLocal === undefined ? undefined : before.find((each) => isLoopback(each) === !isLocal);
    const sentence = 'must be on a loopback name as those of the others, or none of them may be.';
    return other === undefined ? [] : [{ key: 'public_url', sentence }];
  },

  // What a person agrees to for one app, the provider would count for the other (draft-ietf-oauth-security-topics-update, 2.4.2.1).
  function sameClient(one, before) {
    const { ISSUER, CLIENT_ID } = one.values;
    const isSame = ({ values }: Looked) =>
      CLIENT_ID !== undefined && ISSUER !== undefined && values.ISSUER === ISSUER && values.CLIENT_ID === CLIENT_ID;
    const other = before.find(isSame);
    const sentence = `is the client of ${nameOf(other ?? one)} at the same issuer: what somebody agrees to for one app would count for the other. Register a client for each.`;
    return other === undefined ? [] : [{ key: 'client_id', sentence }];
  },

  function mixedTransport(one, before) {
    const speaksTls = ({ values }: Looked) => values.TLS_CERT_FILE !== undefined;
    if (before.every((other) => speaksTls(other) === speaksTls(one))) return [];
    const sentence =
      'must be given for each frontend or for none: they share one port. TLS_CERT_FILE is for those without.';
    return [{ key: 'tls_cert_file', sentence }];
  },
];

function hostOf({ values: { PUBLIC_URL } }: Looked): string | undefined {
  return PUBLIC_URL === undefined ? undefined : new URL(PUBLIC_URL).hostname.replace(/\.$/, '');
}

function isLoopback(one: Looked): boolean | undefined {
  const host = hostOf(one);
  return host === undefined ? undefined : isLoopbackName(host);
}

// What all are warned of is said once.
function warningsAmong(looked: readonly Looked[]): readonly string[] {
  const each = looked.map(({ values, given, routes }) => ({
    id: given.id,
    texts: warningsOf(values, { env: given.env, routes }),
  }));
  const isCommon = (text: string) => each.every(({ texts }) => texts.includes(text));
  const own = each.flatMap(({ id, texts }) =>
    texts.filter((text) => !isCommon(text)).map((text) => `frontend ${id}: ${text}`),
  );
  return [...(each[0]?.texts.filter(isCommon) ?? []), ...own];
}

function statesOf({ given, faults }: Looked): FrontendState {
  const parts = {
    texts: given.texts,
    sourceOf: (name: SettingName) => given.sources.get(name),
    faulty: namesOf(faults),
  };
  return { id: given.id, settings: frontendSettings.map((name) => stateOf(name, parts)) };
}
