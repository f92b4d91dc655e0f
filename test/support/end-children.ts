/**
 * Runs around every test file: ends the processes that it left running.
 *
 * @module
 */

import { afterAll } from 'vitest';
import { endAllChildren } from './children.ts';

// Registered before any hook of the file itself, so it runs after them.
afterAll(() => endAllChildren(), 30_000);
