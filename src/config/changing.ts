/**
 * Which settings can change while the server runs.
 *
 * @module
 */

import { type SettingName, settingOf } from './schema.ts';

/** Settings that name a file whose content is taken over, or stand for one. Secrets are the others. */
const files: readonly SettingName[] = [
  'RULES_FILE',
  'API_UPSTREAM',
  'CLIENT_KEY_FILE',
  'CLIENT_DECRYPTION_KEY_FILE',
  'TLS_CERT_FILE',
  'TLS_KEY_FILE',
];

/** Whether a setting can change while the server runs; also true where only its content does. */
export function canChange(name: SettingName): boolean {
  return settingOf(name).secret === true || files.includes(name);
}
