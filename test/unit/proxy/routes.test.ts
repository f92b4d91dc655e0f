/**
 * Which route a path has, and what the upstream is asked for.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../../src/config/config.ts';
import { ProblemError } from '../../../src/errors.ts';
import type { ClearedRequest } from '../../../src/http/inbound.ts';
import { RequestRecord } from '../../../src/http/request-record.ts';
import { Routes, upstreamTarget } from '../../../src/proxy/routes.ts';
import { routeOf } from '../../support/hop.ts';

const route = (path: string, changes: Partial<RouteConfig> = {}) =>
  routeOf('https://orders.internal:8443', { path, ...changes });
const request = (path: string, method = 'GET') => ({ path, method, record: new RequestRecord() }) as ClearedRequest; // what match looks at

describe('Routes.find', () => {
  const routes = new Routes([route('/api/orders'), route('/api/orders/archive'), route('/api/users.v2')]);

  it.each([
    ['/api/orders', '/api/orders'],
    ['/api/orders/', '/api/orders'],
    ['/api/orders/7', '/api/orders'],
    ['/api/orders/archives', '/api/orders'],
    ['/api/orders/archive', '/api/orders/archive'],
    ['/api/orders/archive/7', '/api/orders/archive'],
    ['/api/users.v2/7', '/api/users.v2'],
  ])('PX-03: %s belongs to %s', (path, expected) => {
    expect(routes.find(path)?.path).toBe(expected);
  });

  it.each([
    '/api',
    '/api/',
    '/',
    '/api/ordersx',
    '/api/order',
    '/api/Orders',
    '/API/orders',
    '/api/orders2/7',
    '/api/usersxv2',
  ])('GW-01: %s belongs to none', (path) => {
    expect(routes.find(path)).toBeUndefined();
  });

  it.each(['/api/Admin/x', '/api/ADMIN', '/api/admin./x', '/api/admin%20/x', '/api/admin.%20.', '/api/Admin..'])(
    'GW-05: %s gets no route, since an upstream may take it for a resource of the inner route',
    (path) => {
      expect(new Routes([route('/api'), route('/api/admin')]).find(path)).toBeUndefined();
    },
  );

  it.each(['/api/Admins', '/api/x/Admin', '/api/ADMINISTRATION/7', '/api/Orders', '/api/orders.'])(
    'GW-05: %s keeps the outer route, since no inner one could be meant',
    (path) => {
      expect(new Routes([route('/api'), route('/api/admin')]).find(path)?.path).toBe('/api');
    },
  );

  it('GW-05: does not mind case where no route lies inside another', () => {
    expect(new Routes([route('/api')]).find('/api/Orders')?.path).toBe('/api');
  });

  it.each(['/api/', 'api', '/api//x', '/api/../x', '/api/%61', '/api/a b', '/api?x', '/api/a;b', '', '/', '/api/é'])(
    'GW-01: refuses the path "%s" at the start',
    (path) => {
      expect(() => new Routes([route(path)])).toThrow('not a plain path');
    },
  );

  it('GW-01: refuses two routes that an upstream could not tell apart', () => {
    expect(() => new Routes([route('/api/a'), route('/api/A')])).toThrow('same path');
    expect(() => new Routes([route('/api/a'), route('/api/b')])).not.toThrow();
  });
});

describe('Routes.match', () => {
  const routes = new Routes([route('/api/orders', { methods: ['GET', 'POST'] })]);

  it('PX-05: gives the route of a listed method and notes it, HEAD with GET', () => {
    for (const method of ['GET', 'HEAD', 'POST']) {
      const asked = request('/api/orders/7', method);

      expect(routes.match(asked).path).toBe('/api/orders');
      expect(asked.record.route).toBe('/api/orders');
    }
  });

  it.each(['DELETE', 'PUT', 'PATCH', 'OPTIONS', 'get', 'PURGE'])(
    'PX-05, ER-05: refuses %s and says what is offered',
    (method) => {
      expect(() => routes.match(request('/api/orders', method))).toThrow(
        expect.objectContaining({
          code: 'method-not-allowed',
          extras: { headers: { Allow: 'GET, POST, HEAD, OPTIONS' } },
        }),
      );
    },
  );

  it('GW-01: refuses what no route has', () => {
    expect(() => routes.match(request('/api/users'))).toThrow(new ProblemError('not-found'));
  });
});

describe('upstreamTarget', () => {
  it.each([
    ['/api/orders', '/v2', '/api/orders/7', '?x=1', '/v2/7?x=1'],
    ['/api/orders', '/v2', '/api/orders', '', '/v2'],
    ['/api/orders', '/v2', '/api/orders/', '', '/v2/'],
    ['/api', '', '/api/orders/7', '', '/orders/7'],
    ['/api', '', '/api', '?x', '/?x'],
    ['/api', '', '/api/', '', '/'],
    ['/api', '/base/deep', '/api/caf%C3%A9', '?a=%2f', '/base/deep/caf%C3%A9?a=%2f'],
  ])('GW-08: under %s at "%s", %s%s is %s', (path, base, asked, search, target) => {
    const [found] = [new Routes([route(path, { upstream: { origin: 'http://h.test', path: base } })]).find(asked)];

    expect(found && upstreamTarget(found, { path: asked, search })).toBe(target);
  });
});
