/**
 * nginx as a bare reverse proxy: the floor. No session, no log, one worker,
 * connections to the upstream kept.
 *
 * It streams what is larger than its buffers, as all here do, and lays nothing on
 * the disk. It sends a header of the size of a bearer token, so that the same bytes
 * reach the upstream.
 *
 * @module
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/ports.ts';
import { find, type Program } from '../../test/support/programs.ts';
import type { Place } from '../place.ts';
import { startProgram } from './child.ts';
import { anonymous } from './node-rivals.ts';
import type { Peer } from './peer.ts';

/** The program of the operating system. */
export const nginxProgram: Program = { names: ['nginx'], variable: 'NGINX', debianPackage: 'nginx-light' };

/** The peer. */
export const nginx: Peer = {
  name: 'nginx',
  title: 'nginx as a bare reverse proxy, one worker, no log',
  missing: () => (find(nginxProgram) === undefined ? 'nginx is not installed (Debian package nginx-light)' : undefined),
  start: async (place) => {
    const port = await freePort();
    const file = join(place.directory, 'nginx.conf');
    writeFileSync(file, configuration(place, port));
    const { pid, stop } = await startProgram(place, { command: [find(nginxProgram) ?? 'nginx', '-c', file], port });
    return { pid, port, callers: anonymous, stop };
  },
};

function configuration({ directory, upstreamPort }: Place, port: number): string {
  return `
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  proxy_max_temp_file_size 0;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  keepalive_requests 10000000;
  upstream api { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port};
    location /api/echo {
      proxy_pass http://api/private/echo;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header Authorization "Bearer ${'t'.repeat(1024)}";
    }
    location /api/ {
      proxy_pass http://api/private/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header Cookie "";
      proxy_set_header Authorization "Bearer ${'t'.repeat(1024)}";
    }
  }
}
`;
}
