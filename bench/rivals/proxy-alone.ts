/**
 * http-proxy-middleware alone: what the proxy of the naive stack costs without
 * session, token or any guard.
 *
 * @module
 */

import { Agent } from 'node:http';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { listen, settings } from './rival-settings.ts';

const { port, upstream } = settings();
const app = express();

// http-proxy-middleware, README, "Quick Start": app.use('/api', createProxyMiddleware({ target, changeOrigin: true }))
app.use(
  '/api',
  createProxyMiddleware({
    target: upstream,
    changeOrigin: true,
    agent: new Agent({ keepAlive: true, maxSockets: 64 }),
  }),
);

listen(app, port);
