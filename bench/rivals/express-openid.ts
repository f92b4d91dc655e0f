/**
 * express-openid-connect before http-proxy-middleware: sessions in an encrypted
 * cookie, tokens included, no store.
 *
 * @module
 */

import { Agent } from 'node:http';
import express from 'express';
import openid from 'express-openid-connect';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { listen, settings } from './rival-settings.ts';

const { port, origin, issuer, clientId, clientSecret, resource, upstream } = settings();
const app = express();

// express-openid-connect, README, "Initialize the SDK", and EXAMPLES, "Using refresh tokens" for the code flow:
// app.use(auth({ authRequired, issuerBaseURL, baseURL, clientID, secret, idpLogout }))
app.use(
  openid.auth({
    authRequired: false,
    issuerBaseURL: issuer,
    baseURL: origin,
    clientID: clientId,
    clientSecret,
    secret: 'LONG_RANDOM_STRING_LONG_RANDOM_STRING',
    authorizationParams: {
      response_type: 'code',
      scope: 'openid profile email orders.read',
      resource,
      login_hint: 'alice',
    },
  }),
);

app.get('/', (request, response) => {
  response.json({ user: request.oidc.user });
});

// README, "requiresAuth"; an API is told 401 and not sent to the provider.
app.use('/api', (request, response, next) => {
  if (request.oidc.isAuthenticated()) next();
  else response.status(401).end();
});

app.use(
  '/api',
  createProxyMiddleware<express.Request, express.Response>({
    target: upstream,
    changeOrigin: true,
    agent: new Agent({ keepAlive: true, maxSockets: 64 }),
    on: {
      // EXAMPLES, "Calling an API": const { token_type, access_token } = req.oidc.accessToken
      proxyReq: (proxyRequest, request) => {
        proxyRequest.setHeader('Authorization', `Bearer ${request.oidc.accessToken?.access_token}`);
      },
    },
  }),
);

listen(app, port);
