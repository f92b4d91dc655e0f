/**
 * Tells whether the authorization server can be used: one line and one event when
 * that changes, not one for each attempt.
 *
 * @module
 */

import { causeText } from '../audit/redact.ts';
import { BackChannelError } from './back-channel-answer.ts';
import { GrantError } from './grant.ts';
import { MetadataError, type ProviderMetadata } from './metadata.ts';
import type { ProviderEvent, ProviderOptions } from './provider-options.ts';

/** Remembers what was told last. */
export class ProviderHealth {
  readonly #options: Pick<ProviderOptions, 'log' | 'report' | 'issuer'>;
  readonly #told = new Map<ProviderEvent['part'], string>();

  constructor(options: Pick<ProviderOptions, 'log' | 'report' | 'issuer'>) {
    this.#options = options;
  }

  /** Notes the outcome of an attempt: its failure, or `undefined`. */
  tell(part: ProviderEvent['part'], failure: unknown): void {
    const { log, report, issuer } = this.#options;
    const reason = failure === undefined ? '' : reasonOf(failure);
    const before = this.#told.get(part);
    if (before === reason || (before === undefined && reason === '')) {
      this.#told.set(part, reason);
      return;
    }
    this.#told.set(part, reason);
    if (reason === '') log.info('the authorization server can be used again', { part, issuer });
    else log.error('the authorization server cannot be used', { part, issuer, reason, cause: causeText(failure) });
    report?.({ part, state: reason === '' ? 'recovered' : 'failed', reason });
  }

  /** Says what of new metadata deserves a warning. */
  note({ code_challenge_methods_supported, passedOver }: ProviderMetadata): void {
    const { log, issuer } = this.#options;
    if (passedOver.length > 0) log.warn('endpoints without https are not used', { issuer, endpoints: passedOver });
    // The challenge is sent all the same, and state and nonce are checked in every case (RFC 9700, 2.1.1).
    if (!code_challenge_methods_supported?.includes('S256')) {
      log.warn('the authorization server does not say that it checks the PKCE challenge', { issuer });
    }
  }
}

function reasonOf(failure: unknown): string {
  if (failure instanceof BackChannelError || failure instanceof MetadataError || failure instanceof GrantError) {
    return failure.reason;
  }
  return 'unexpected';
}
