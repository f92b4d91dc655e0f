/**
 * The naive stack: the packages that Claimcheck is made of, wired as their READMEs
 * do it, with openid-client for the sign-in. What one gets in an afternoon.
 *
 * Two things are better than in the READMEs, so that nothing but the wiring is
 * measured: connections to the upstream are kept alive, and NODE_ENV is
 * production. It logs nothing and counts nothing. It keeps in its session what
 * Claimcheck keeps: the access token, the refresh token and the ID token.
 *
 * @module
 */

import { Agent } from 'node:http';
import { RedisStore } from 'connect-redis';
import cors from 'cors';
import csurf from 'csurf';
import express from 'express';
import session from 'express-session';
import helmet from 'helmet';
import { createProxyMiddleware } from 'http-proxy-middleware';
import * as client from 'openid-client';
import { createClient } from 'redis';
import { listen, settings } from './rival-settings.ts';

declare module 'express-session' {
  interface SessionData {
    tokens?: client.TokenEndpointResponse;
    user?: { readonly sub: string };
    verifier?: string;
    state?: string;
  }
}

const { origin, issuer, clientId, clientSecret, resource, upstream, redisUrl, port } = settings();

// openid-client, README, "Authorization Code Flow": discovery, then the configuration is used everywhere.
const configuration = await client.discovery(new URL(issuer), clientId, clientSecret, undefined, {
  execute: [client.allowInsecureRequests],
});

const app = express();

// helmet, README, "Get started": app.use(helmet())
app.use(helmet());

// cors, README, "Enable CORS for all routes" with the one origin: app.use(cors(corsOptions))
app.use(cors({ origin, credentials: true }));

// connect-redis, README, "Full setup": client, store, app.use(session({ store, resave: false, saveUninitialized: false, secret }))
const redisClient = createClient({ url: redisUrl });
await redisClient.connect();
const redisStore = new RedisStore({ client: redisClient, prefix: 'myapp:' });
app.use(
  session({
    store: redisStore,
    resave: false, // required: force lightweight session keep alive (touch)
    saveUninitialized: false, // recommended: only save session when data exists
    secret: 'keyboard cat',
  }),
);

app.get('/login', async (request, response) => {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  request.session.verifier = verifier;
  request.session.state = state;
  const parameters = {
    redirect_uri: `${origin}/callback`,
    scope: 'openid profile email offline_access orders.read orders.write',
    resource,
    login_hint: String(request.query['login_hint'] ?? ''),
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  };
  response.redirect(client.buildAuthorizationUrl(configuration, parameters).href);
});

app.get('/callback', async (request, response) => {
  const { verifier: pkceCodeVerifier, state: expectedState } = request.session;
  if (pkceCodeVerifier === undefined || expectedState === undefined) {
    response.status(400).end();
    return;
  }
  const tokens = await client.authorizationCodeGrant(configuration, new URL(request.originalUrl, origin), {
    pkceCodeVerifier,
    expectedState,
  });
  request.session.regenerate(() => {
    // The whole answer, as the README's examples go on with it: "Refresh Token" and "RP-Initiated Logout" need the rest.
    request.session.tokens = tokens;
    request.session.user = { sub: tokens.claims()?.sub ?? '' };
    response.redirect('/');
  });
});

// csurf, README: app.use(csurf()) behind the session middleware; the token is asked for with request.csrfToken()
app.use(csurf());

app.get('/', (request, response) => {
  response.json({ user: request.session.user, csrf_token: request.csrfToken() });
});

app.use('/api', (request, response, next) => {
  if (request.session.tokens === undefined) response.status(401).end();
  else next();
});

// http-proxy-middleware, README, "Quick Start" and "http-proxy events": on.proxyReq sets the header
app.use(
  '/api',
  createProxyMiddleware<express.Request, express.Response>({
    target: upstream,
    changeOrigin: true,
    agent: new Agent({ keepAlive: true, maxSockets: 64 }),
    on: {
      proxyReq: (proxyRequest, request) => {
        proxyRequest.setHeader('Authorization', `Bearer ${request.session.tokens?.access_token}`);
      },
    },
  }),
);

listen(app, port);
