/**
 * The part of docs/configuration.md about frontends, made from the table that says
 * what each setting means for them.
 *
 * @module
 */

import { frontendSettings, keysOfSetting, type Reach, reachOfSettings } from './frontend-settings.ts';
import { settingNames } from './schema.ts';

/** The example of a list that docs/configuration.md shows. */
export const frontendsExample = [
  'frontends:',
  '  - id: orders                          # how logs, metrics and commands call it',
  '    public_url: https://orders.example',
  '    client_id: orders-app',
  '    client_secret_file: /run/secrets/orders',
  '    public_dir: dist/orders',
  '  - id: desk',
  '    public_url: https://desk.example',
  '    issuer: https://login.staff.example # the others have ISSUER of the environment',
  '    client_id: desk-app',
  '    client_secret_env: DESK_SECRET      # the name of a variable, never the secret',
  '    page_upstream: https://assets.internal',
  '    session_idle_timeout: 10m',
  '    routes:                             # instead of those below',
  '      - { path: /api/tickets, upstream: https://tickets.internal }',
  'routes:',
  '  - { path: /api/orders, upstream: https://orders.internal/v2 }',
  '',
].join('\n');

const from: Readonly<Record<Exclude<Reach, 'shared'>, string>> = {
  own: 'never: each says it for itself',
  inherited: 'unless the frontend says otherwise',
  issuer: 'unless it says otherwise, or has another issuer',
};

/** The section. */
export function frontendsAsMarkdown(): readonly string[] {
  const rows = frontendSettings.map((name) => {
    const reach = reachOfSettings[name];
    const keys = keysOfSetting(name).map((key) => `\`${key}\``);
    return `| ${keys.join(', ')} | ${reach === 'shared' ? '' : from[reach]} |`;
  });
  const shared = settingNames.filter((name) => reachOfSettings[name] === 'shared').map((name) => `\`${name}\``);
  return [
    '',
    '### Several frontends',
    '',
    'The list `frontends` puts several single-page apps behind one process, each with a host name of its own; see',
    '[frontends.md](frontends.md). What each says for itself is not in the environment then, and not needed there.',
    '',
    '```yaml',
    ...frontendsExample.trimEnd().split('\n'),
    '```',
    '',
    'Beside `id` and `routes`, an entry has these keys: each is the setting above that has the same name in capitals, with the',
    'same values. A list can be written as a list. A secret stands in a file (`…_file`) or in a variable whose name is given',
    '(`…_env`).',
    '',
    '| key of a frontend | taken from the environment |',
    '|---|---|',
    ...rows,
    '',
    'What one of two ways excludes is not taken from the environment beside it: `page_upstream` leaves `PUBLIC_DIR` out, an own',
    '`client_auth_method` the keys and certificates of another, an own certificate the common one.',
    '',
    `Of the process, for all frontends alike: ${shared.join(', ')}.`,
  ];
}
