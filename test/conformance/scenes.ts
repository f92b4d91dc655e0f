/**
 * Which scene a name of the table stands for.
 *
 * @module
 */

import type { SceneName } from './scene-names.ts';
import * as attack from './scenes-attack.ts';
import * as session from './scenes-session.ts';
import * as signIn from './scenes-sign-in.ts';
import type { Stage } from './stage.ts';

/** Plays a scene; a failed expectation is a wrong verdict. */
export type Scene = (stage: Stage) => Promise<unknown>;

/** All of them. */
export const scenes: Readonly<Record<SceneName, Scene>> = {
  'honest sign-in': (stage) => stage.accept(),
  'basic authentication alone': signIn.basicAlone,
  'a nonce of each sign-in': signIn.nonces,
  'claims by scope': signIn.claimsByScope,
  'access token in the header': signIn.tokenInHeader,
  'access token in the body': signIn.tokenInBody,
  'several keys and no name': signIn.namelessKeys,
  'keys rotate between two sign-ins': signIn.rotation,
  'keys rotate just before signing': signIn.lateRotation,
  'signed UserInfo': signIn.signedUserInfo,
  'aggregated claims': signIn.aggregatedClaims,
  'distributed claims': signIn.distributedClaims,
  'endpoints of the metadata': signIn.endpointsOfMetadata,
  'keys at the address of the metadata': signIn.endpointsOfMetadata,
  refresh: session.refresh,
  'refreshed ID token of another issuer': session.otherIssuer,
  'refreshed ID token of another person': session.otherPerson,
  'two refreshes with rotation': session.twoRefreshes,
  'back-channel logout': session.backChannel,
  'logout token twice': session.twice,
  'other tokens as logout token': session.otherTokens,
  'logout token in another form': session.otherForm,
  'front-channel logout': session.frontChannel,
  'front-channel logout while signing out': session.frontChannelWhileSigningOut,
  'return from signing out': session.returnWith({}),
  'return without state': session.returnWith({ state: undefined }),
  'return with another state': session.returnWith({ state: 'another', return_to: 'https://evil.test/' }),
  'names of somebody else': attack.otherNames,
  'claims in the JOSE header': attack.claimsInHeader,
  'two sign-ins at once': attack.twoSignIns,
  'state of another browser': attack.stateOfAnother,
  'code of somebody else': attack.codeOfAnother,
  'acr lower than asked': attack.lowerAcr,
  'a token of ten years': attack.tenYears,
  'no S256 in the metadata': attack.silentAboutS256,
  'issuer that was not announced': attack.unannouncedIssuer,
  'refreshed ID token with another sub': session.otherPerson,
  'refreshed ID token with another auth_time': session.otherAuthTime,
  'refreshed ID token with another nonce': session.otherNonce,
};
