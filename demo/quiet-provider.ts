/**
 * Loads oidc-provider without its remark on the runtime.
 *
 * It warns on every Node whose `process.release.lts` is empty, which our Node 26 is
 * before its line becomes an LTS line. The demo runs on it by choice, and a
 * warning nobody can act on hides those that matter. Everything else it prints is let through.
 *
 * @module
 */

const remark = 'Unsupported runtime';

async function loadQuietly() {
  const { warn } = console;
  console.warn = (...parts: readonly unknown[]) => {
    if (!String(parts[0]).includes(remark)) warn(...parts);
  };
  try {
    return await import('oidc-provider');
  } finally {
    console.warn = warn;
  }
}

const loaded = await loadQuietly();

/** The class of oidc-provider's servers. */
export const Provider = loaded.default;

/** The errors it throws, by name. */
export const providerErrors = loaded.errors;

/** What decides when a person has to be asked something. */
export const { interactionPolicy } = loaded;
