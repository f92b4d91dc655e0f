/**
 * How V8 shall keep what requests leave behind. Imported first of all, before
 * anything is compiled.
 *
 * V8 may take a place in the code whose objects lived long while the process
 * started, or while the machine stood still, and lay all that is made there among
 * what stays. What such an object points to stays as well, until a whole collection:
 * a request then costs half as much again, for as long as the process lives, in one
 * process of five (docs/decisions/0026).
 *
 * After a pause V8 lets what stays grow by a fifth before it collects all of it again,
 * under load to three or four times its size. The first load after each pause met a
 * whole collection so, and waited 10 to 20 ms behind it. It may always grow to twice its
 * size instead, within the limits of the heap (docs/decisions/0035).
 *
 * @module
 */

import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--no-allocation-site-pretenuring');
setFlagsFromString('--heap-growing-percent=100');
