/**
 * What the environment says of our settings: their texts, by themselves or from
 * files, and names that were probably meant to be ours.
 *
 * @module
 */

import type { Fault } from './faults.ts';
import { causeOf, type Files } from './files.ts';
import { type SettingName, settingNames, settingOf } from './schema.ts';
import { nearestOf } from './spelling.ts';

/** Where settings come from: the environment of the process, or a test's. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The texts that were given. */
export interface Given {
  readonly texts: Readonly<Partial<Record<SettingName, string>>>;
  /** The files that texts came out of. */
  readonly fileOf: ReadonlyMap<SettingName, string>;
  readonly faults: readonly Fault[];
}

/** Reads the settings. Empty counts as not given: compose files and shells make that of a variable without a value. */
export function readEnvironment(env: Environment, files: Files): Given {
  const texts: Partial<Record<SettingName, string>> = {};
  const fileOf = new Map<SettingName, string>();
  const faults: Fault[] = [...misspelled(env)];
  for (const name of settingNames) {
    const text = env[name];
    const path = settingOf(name).secret ? env[`${name}_FILE`] : undefined;
    if (text && path) faults.push({ name, sentence: `is given, and ${name}_FILE too. Choose one.` });
    else if (text) texts[name] = text;
    else if (path) {
      const read = secretAt(path, { setting: name, files });
      if (typeof read !== 'string') faults.push(read);
      else {
        texts[name] = read;
        fileOf.set(name, path);
      }
    }
  }
  return { texts, fileOf, faults };
}

function secretAt(
  path: string,
  { setting, files }: { readonly setting: SettingName; readonly files: Files },
): string | Fault {
  const read = secretIn(path, files);
  return 'text' in read ? read.text : { name: `${setting}_FILE`, setting, sentence: read.sentence };
}

/** The secret in a file, or why it cannot be had. Editors and `echo` put a line break at the end, which belongs to no secret. */
export function secretIn(path: string, files: Files): { readonly text: string } | { readonly sentence: string } {
  try {
    const text = files.readFile(path).replace(/[\r\n]+$/, '');
    return text === '' ? { sentence: `names ${shown(path)} that is empty.` } : { text };
  } catch (error) {
    return { sentence: `names ${shown(path)} that cannot be read${causeOf(error)}.` };
  }
}

// Who writes the secret itself where its file belongs shall not find it in a log.
function shown(path: string): string {
  return /^(?:\.{0,2}[/\\]|[A-Za-z]:[/\\])/.test(path) ? `the file ${path}` : 'a file';
}

/** Names of other software that look like ours with a mistake: a header as CGI shows it, OpenSSL's files, a desktop's word. */
const foreign: ReadonlySet<string> = new Set(['CLIENT_IP', 'SSL_CERT_FILE', 'SSL_KEY_FILE', 'SESSION_STATE']);

const ours: readonly string[] = settingNames.flatMap((name) =>
  settingOf(name).secret ? [name, `${name}_FILE`] : [name],
);

function misspelled(env: Environment): readonly Fault[] {
  return Object.entries(env).flatMap(([name, text]): readonly Fault[] => {
    if (text === undefined || ours.includes(name) || foreign.has(name)) return [];
    const setting = settingNames.find((known) => name === `${known}_FILE` && known.length > 4);
    if (setting !== undefined) {
      return [{ name, sentence: `is not a setting. Only secrets can lie in a file; give ${setting} itself.` }];
    }
    const meant = meantBy(name, text);
    return meant === undefined ? [] : [{ name, sentence: `is not a setting. Did you mean ${meant}?` }];
  });
}

/** From this length on, two mistakes still leave no doubt. PUBLIC_IP and PUBLIC_DNS are no mistakes. */
const longName = 12;

function meantBy(name: string, text: string): string | undefined {
  const prefixed = ours.find((known) => name === `CLAIMCHECK_${known}`);
  // Kubernetes gives every pod CLAIMCHECK_PORT=tcp://… where a service has that name.
  if (prefixed !== undefined) return /^(?:tcp|udp|sctp):\/\//.test(text) ? undefined : prefixed;
  const upper = name.toUpperCase();
  if (ours.includes(upper)) return upper;
  return nearestOf(name, ours, { most: name.length < longName ? 1 : 2 });
}
