/**
 * The settings in words: .env.example and docs/configuration.md, made from
 * schema.ts and rules-schema.ts, so that neither can say anything else than what
 * is read.
 *
 * @module
 */

import { frontendsAsMarkdown } from './describe-frontends.ts';
import { type RouteKey, routeKeys, upstreamKeys } from './rules-schema.ts';
import { type Setting, type SettingName, settingNames, settingOf } from './schema.ts';

/** The text of .env.example. As it stands, it sets nothing: what is needed is there without a value. */
export function envExample(): string {
  return [
    '# Copy this file to .env and fill in what is needed. An empty value counts as not given.',
    '# docs/configuration.md says more. Made from src/config/schema.ts by `npm run docs`.',
    ...groups().flatMap(([group, names]) => ['', `## ${group}`, ...names.flatMap(exampleOf)]),
    '',
  ].join('\n');
}

function exampleOf(name: SettingName): readonly string[] {
  const { needed, default: value, example, secret, command } = settingOf(name);
  const notes = [
    ...wrapped(settingOf(name).help),
    ...(needed === undefined ? [] : [needed === 'always' ? 'Needed.' : `Needed ${needed}.`]),
    ...(example === undefined ? [] : [`For example: ${example}`]),
    ...(command === undefined ? [] : [`Made by: ${command}`]),
    ...(secret ? [`Secret. ${name}_FILE names a file that holds it instead.`] : []),
  ];
  const line = needed === undefined ? `# ${name}=${value ?? ''}` : `${name}=`;
  return ['', ...notes.map((note) => `# ${note}`), line];
}

/** The text of docs/configuration.md. */
export function configurationAsMarkdown(): string {
  return [...opening, ...groups().flatMap(groupAsMarkdown), ...rulesAsMarkdown(), ''].join('\n');
}

const opening: readonly string[] = [
  '# Configuration',
  '',
  'Settings are environment variables; routes can be a file. `npm start` reads `.env` in the working directory when there is',
  'one; what the environment has already goes before it. All faults are told at once, each with the name and what is expected,',
  'and the server does not start. `claimcheck check` tells the same without starting, `claimcheck config` prints what is in',
  'effect, without secrets.',
  '',
  '* An empty value counts as not given.',
  '* A duration is a whole number and `ms`, `s`, `m`, `h` or `d`: `500ms`, `30s`, `15m`, `8h`.',
  '* A size is a whole number and `B`, `KB`, `MB` or `GB`, with 1 KB = 1024 bytes: `64KB`, `10MB`.',
  '* A list is separated by commas; `SCOPES` and `USER_CLAIMS` by spaces or commas.',
  '* A secret can lie in a file: `CLIENT_SECRET_FILE=/run/secrets/client` in place of `CLIENT_SECRET`. Line breaks at the end of',
  '  the file do not count.',
  '* A name that is one typing mistake away from one of these, two in a long name, is a fault, so that no setting is missed in',
  '  silence.',
  '',
  'Where `PUBLIC_URL` is not on a loopback name, or that of a frontend, the server is taken to be in production, and refuses to',
  'start with what is only good for development: sessions in memory, example secrets, plain http to the provider or a service on',
  'another machine, a Redis on another machine without TLS or password, certificate checks or parsers of Node that are switched',
  'off.',
];

function groupAsMarkdown([group, names]: Group): readonly string[] {
  return ['', `## ${group}`, '', '| setting | default | meaning |', '|---|---|---|', ...names.map(rowOf)];
}

function rowOf(name: SettingName): string {
  const setting = settingOf(name);
  const meaning = [
    neededAs(setting),
    cell(setting.help),
    setting.example === undefined ? '' : `For example ${code(setting.example)}.`,
    setting.command === undefined ? '' : `Made by ${code(setting.command)}.`,
    setting.secret ? `Secret; also \`${name}_FILE\`.` : '',
  ];
  return `| \`${name}\` | ${defaultOf(setting)} | ${meaning.filter((part) => part !== '').join(' ')} |`;
}

function neededAs({ needed }: Setting): string {
  if (needed === undefined) return '';
  return needed === 'always' ? '**Needed.**' : `**Needed ${needed}.**`;
}

function defaultOf({ default: value }: Setting): string {
  return value === undefined || value === '' ? 'none' : code(value);
}

const example: readonly string[] = [
  'routes:',
  '  - path: /api/orders            # /api/orders/7?x=1 goes to …/v2/7?x=1',
  '    upstream: https://orders.internal:8443/v2',
  '    methods: [GET, POST]',
  '    scopes: [orders.read]',
  '    audience: https://orders.example',
  '    timeout: 30s',
  '    max_body: 10MB',
  '  - path: /api/news',
  '    upstream: https://news.internal',
  '    methods: [GET]',
  '    access: public               # no sign-in, no token',
];

/** The example of a rules file that docs/configuration.md shows. */
export const rulesExample = `${example.join('\n')}\n`;

function rulesAsMarkdown(): readonly string[] {
  return [
    '',
    '## The rules file',
    '',
    '`RULES_FILE=claimcheck.yaml` names a YAML file with the routes. `API_UPSTREAM=https://orders.internal/v2` is short for a file',
    'with the one route `{ path: /api, upstream: https://orders.internal/v2 }`. An editor that knows YAML completes and checks',
    'the file by [rules.schema.json](rules.schema.json).',
    '',
    '```yaml',
    ...example,
    '```',
    '',
    'A path that no route names is answered 404, a method that its route does not name 405.',
    '',
    '| key of a route | default | meaning |',
    '|---|---|---|',
    ...keyRows(routeKeys()),
    '',
    'The list `upstreams`, beside `routes`, says more of a service than its URL; see [upstreams.md](upstreams.md).',
    '',
    '| key of an upstream | default | meaning |',
    '|---|---|---|',
    ...keyRows(upstreamKeys()),
    '',
    'A key that is not listed here is a fault, and so are a path that is there twice, `token: user` or `scopes` on a public',
    'route, and plain http to another machine without `insecureAllowHttpUpstream: true`.',
    ...frontendsAsMarkdown(),
  ];
}

function keyRows(keys: readonly RouteKey[]): readonly string[] {
  return keys.map(
    ({ name, description, isNeeded, default: value }) =>
      `| \`${name}\` | ${value === undefined ? 'none' : code(value)} | ${isNeeded ? '**Needed.** ' : ''}${cell(description)} |`,
  );
}

type Group = readonly [name: string, names: readonly SettingName[]];

function groups(): readonly Group[] {
  return [...Map.groupBy(settingNames, (name) => settingOf(name).group)];
}

function code(text: string): string {
  return `\`${cell(text)}\``;
}

// A bar ends a cell of a table, in code too.
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function wrapped(text: string, width = 110): readonly string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
