/**
 * The form of an entry of `frontends` in the rules file. Its keys are the settings
 * that a frontend can have for itself, so a new setting is a new key here.
 *
 * @module
 */

import { z } from 'zod';
import { frontendSettings, keysOfSetting } from './frontend-settings.ts';
import { saying, text } from './rule-types.ts';
import { type SettingName, settingNames, settingOf } from './schema.ts';
import type { Read } from './values.ts';

/** How the value of a key is written: a text, `true` or `false`, or a text or list of texts. */
type Form = 'text' | 'boolean' | 'list';

const idForm = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

function readId(value: string): Read<string> {
  return idForm.test(value)
    ? { value }
    : { expected: 'a name of small letters, digits and hyphens, such as orders, of 32 characters at most' };
}

// A variable that is a setting of ours would mean two things.
function readVariable(value: string): Read<string> {
  const isOurs = settingNames.some((name) => value === name || value === `${name}_FILE`);
  return /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(value) && !isOurs
    ? { value }
    : { expected: 'the name of an environment variable that holds the secret, none of the settings' };
}

function readPath(value: string): Read<string> {
  return value.trim() === value && value !== '' && !/\p{Cc}/u.test(value)
    ? { value }
    : { expected: 'the path of a file, without spaces at the ends and without line breaks' };
}

/** How a setting is written, as its own reader tells of what it would be. */
export function formOf(name: SettingName): Form {
  const { type, default: value, example = value } = settingOf(name);
  const read = type.safeParse(value ?? example).data;
  return typeof read === 'boolean' ? 'boolean' : typeof read === 'object' ? 'list' : 'text';
}

/** A value of an entry as the text that it would be in the environment. */
export function textOfValue(value: string | boolean | readonly string[]): string {
  return typeof value === 'object' ? value.join(' ') : String(value);
}

/** What is wrong with a value; it has the form already. The sentence repeats nothing of it. */
function faultOf(name: SettingName, value: string | boolean | readonly string[]): string | undefined {
  const { type, default: usual } = settingOf(name);
  if (typeof value === 'object' && value.some((item) => item === '' || /[\s,]/.test(item)))
    return 'must be a list of texts without spaces and commas';
  const written = textOfValue(value);
  // Empty is what the environment takes for nothing; here it would be said on purpose.
  if (written === '' && usual !== '') return 'must not be empty';
  const result = type.safeParse(written);
  return result.success ? undefined : (result.error.issues[0]?.message ?? 'is not valid').replace(/\.$/, '');
}

function settingOfEntry(name: SettingName) {
  const { help: description, default: usual, type } = settingOf(name);
  const words = type instanceof z.ZodEnum ? { enum: type.options } : {};
  const said = { description: `${name}: ${description}`, ...(usual ? { default: usual } : {}), ...words };
  return shapes[formOf(name)]()
    .superRefine((value, context) => {
      const message = faultOf(name, value);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .optional()
    .meta(said);
}

const shapes = {
  text: () => z.string({ error: 'must be a text; a number needs quotes' }),
  boolean: () => z.boolean({ error: 'must be true or false' }),
  list: () => z.union([z.string(), z.array(z.string())], { error: 'must be a text, or a list of texts' }),
} as const;

function secretOf(name: SettingName, key: string) {
  const { help } = settingOf(name);
  const isFile = key.endsWith('_file');
  return text(isFile ? readPath : readVariable)
    .optional()
    .meta({
      description: `${name}: ${help} ${isFile ? 'In the file of this path.' : 'In the environment variable of this name.'}`,
    });
}

type Value = z.ZodType<string | boolean | readonly string[] | undefined>;

function shapeOfSettings(): Readonly<Record<string, Value>> {
  const entries = frontendSettings.flatMap((name) =>
    keysOfSetting(name).map(
      (key) => [key, settingOf(name).secret ? secretOf(name, key) : settingOfEntry(name)] as const,
    ),
  );
  return Object.fromEntries(entries);
}

/** An entry with routes of this form. */
export function frontendSchemaWith<Routes extends z.ZodType>(routes: Routes) {
  return z.strictObject(
    {
      id: text(readId).meta({
        description:
          'Names the frontend in logs, metrics, commands and paths of faults. Its sessions hang on its origin, issuer and client, not on this name.',
        examples: ['orders'],
      }),
      ...shapeOfSettings(),
      routes,
    },
    saying('must be a frontend, with id and public_url'),
  );
}
