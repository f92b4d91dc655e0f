/**
 * The names of the cases that have more than one step; scenes.ts plays them.
 *
 * @module
 */

/** Every scene. */
export const sceneNames = [
  'honest sign-in',
  'basic authentication alone',
  'a nonce of each sign-in',
  'claims by scope',
  'access token in the header',
  'access token in the body',
  'several keys and no name',
  'keys rotate between two sign-ins',
  'keys rotate just before signing',
  'signed UserInfo',
  'aggregated claims',
  'distributed claims',
  'endpoints of the metadata',
  'keys at the address of the metadata',
  'refresh',
  'refreshed ID token of another issuer',
  'refreshed ID token of another person',
  'two refreshes with rotation',
  'back-channel logout',
  'logout token twice',
  'other tokens as logout token',
  'logout token in another form',
  'front-channel logout',
  'front-channel logout while signing out',
  'return from signing out',
  'return without state',
  'return with another state',
  'names of somebody else',
  'claims in the JOSE header',
  'two sign-ins at once',
  'state of another browser',
  'code of somebody else',
  'acr lower than asked',
  'a token of ten years',
  'no S256 in the metadata',
  'issuer that was not announced',
  'refreshed ID token with another sub',
  'refreshed ID token with another auth_time',
  'refreshed ID token with another nonce',
] as const;

/** One of them. */
export type SceneName = (typeof sceneNames)[number];
