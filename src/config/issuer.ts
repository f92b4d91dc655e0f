/**
 * The issuer identifier of the authorization server.
 *
 * @module
 */

import { type Read, readUrl } from './values.ts';

/** Addresses of Microsoft Entra ID that stand for every tenant: their metadata names another issuer, with a placeholder in it. */
const sharedAddress =
  /^https:\/\/login\.(?:microsoftonline\.(?:com|us)|partner\.microsoftonline\.cn|windows\.net)\/(?:common|organizations|consumers)(?:\/|$)/i;

/** The placeholder of a tenant, as metadata and documentation write it. */
const placeholder = /\{[^}]*\}|%7b/i;

/**
 * An issuer that signs by that very name. One that stands for many tenants is
 * nobody's: no token has it as `iss`, and to take the tenant's from the token would
 * let everybody in who has a tenant (OIDC Core, 3.1.3.7-2; docs/decisions/0031).
 */
export function readIssuer(text: string): Read<string> {
  return isOfManyTenants(text)
    ? {
        expected:
          'the issuer of one tenant, such as https://login.microsoftonline.com/6f1c0a5e-0000-4000-8000-3f0f5c3a9d11/v2.0 with the identifier of yours: common, organizations, consumers and {tenantid} stand for many, and sign nothing by that name',
      }
    : readUrl(text);
}

/** Whether an issuer stands for many tenants. */
export function isOfManyTenants(issuer: string): boolean {
  return placeholder.test(issuer) || sharedAddress.test(issuer);
}
