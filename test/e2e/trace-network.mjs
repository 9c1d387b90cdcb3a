/** Loaded into a process before its program: writes each name or address of another machine that it asks for to a file. */

import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import net from 'node:net';

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|::1?|0\.0\.0\.0|(?:0{1,4}:){7}0{0,3}[01]|::ffff:127\..*)$/;

function note(host) {
  if (typeof host === 'string' && !LOCAL.test(host)) appendFileSync(process.env.TRACE_NETWORK, `${host}\n`);
}

const { lookup } = dns;
dns.lookup = (host, ...rest) => {
  note(host);
  return lookup(host, ...rest);
};
const { lookup: later } = dns.promises;
dns.promises.lookup = (host, ...rest) => {
  note(host);
  return later(host, ...rest);
};
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...given) {
  const [first] = Array.isArray(given[0]) ? given[0] : given;
  if (typeof first === 'object' && first !== null && first.path === undefined)
    note(first.host ?? 'localhost');
  return connect.apply(this, given);
};
