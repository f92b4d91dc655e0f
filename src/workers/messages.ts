/**
 * What the primary and its workers say to each other, over the channel that Node opens
 * between the two. Both are the same program of the same version, so nothing is checked
 * but the kind.
 *
 * @module
 */

import type { MetricValues } from '../metrics/catalogue.ts';
import type { Readiness } from '../stages/operations.ts';
import type { Snapshot } from './snapshot.ts';

/** What a worker tells of itself. */
export interface Report {
  readonly readiness: Readiness;
  readonly metrics: MetricValues;
}

/** From the primary. */
export type Order =
  /** The first: serve with this, and then read `latest` as on SIGHUP, if there was one. */
  | { readonly kind: 'start'; readonly started: Snapshot; readonly latest: Snapshot | undefined }
  | { readonly kind: 'reload'; readonly latest: Snapshot }
  | { readonly kind: 'report'; readonly question: number }
  /** Finish what runs, then end. */
  | { readonly kind: 'stop' };

/** From a worker. */
export type News =
  | { readonly kind: 'serving'; readonly port: number }
  | { readonly kind: 'report'; readonly question: number; readonly report: Report };
