/**
 * Every case with a verdict, by group: what docs/conformance.md lists and
 * verdicts.test.ts plays.
 *
 * @module
 */

import { attackFamilies } from './attacks.ts';
import { endpointFaults } from './endpoint-faults.ts';
import { libraryGaps } from './library-gaps.ts';
import type { Group } from './module.ts';
import { basicModules } from './suite-basic.ts';
import { fapiModules } from './suite-fapi.ts';
import { logoutModules, refreshModules } from './suite-refresh-logout.ts';

/** All groups. */
export const groups: readonly Group[] = [
  { id: 'basic', title: 'Basic, form_post, configuration, dynamic and comprehensive plans', cases: basicModules },
  { id: 'refresh', title: 'Refresh plan', cases: refreshModules },
  { id: 'logout', title: 'Logout plans', cases: logoutModules },
  { id: 'fapi', title: 'FAPI 2.0 plans', cases: fapiModules },
  { id: 'attack', title: 'Attack families of PrOfESSOS', cases: attackFamilies },
  { id: 'library', title: 'What openid-client alone lets through', cases: libraryGaps },
  { id: 'switch', title: 'Other faults of each endpoint', cases: endpointFaults },
];
