// Drives MQTT.js: ../README.md.
'use strict';

const fs = require('fs');
const readline = require('readline');
const mqtt = require('mqtt');

const SCHEMES = { tcp: 'mqtt', tls: 'mqtts', wss: 'wss' };
const PATIENCE_MS = 25_000;

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

/** The first of these events, or a refusal once one is an error. */
function event(emitter, ...names) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${names} in time`)), PATIENCE_MS);
    const done = (settle) => (value) => {
      clearTimeout(timer);
      settle(value);
    };
    names.forEach((name) => emitter.once(name, done(name === 'error' ? reject : resolve)));
  });
}

class Client {
  constructor(name, wish) {
    this.name = name;
    this.v5 = wish.version === '5.0';
    const options = {
      protocol: SCHEMES[wish.transport],
      host: wish.host,
      port: wish.port,
      path: wish.path,
      protocolVersion: this.v5 ? 5 : 4,
      clientId: wish.clientId,
      clean: wish.clean,
      username: wish.user,
      password: wish.password,
      reconnectPeriod: 0,
      resubscribe: false,
      manualConnect: true,
    };
    if (wish.transport !== 'tcp') options.ca = fs.readFileSync(wish.ca);
    if (wish.will) options.will = { ...wish.will, payload: Buffer.from(wish.will.payload, 'hex'), retain: false };
    if (this.v5) {
      options.properties = { sessionExpiryInterval: wish.expiry };
      if (wish.aliases) {
        options.properties.topicAliasMaximum = wish.aliases;
        options.autoAssignTopicAlias = true;
      }
    }
    this.mqtt = mqtt.connect(options);
    this.mqtt.on('error', (error) => console.error(name, error.message));
    // what `publish` gives back is the packet that was sent, not the one that acknowledges it
    this.reasons = new Map();
    this.mqtt.on('packetreceive', ({ cmd, messageId, reasonCode }) => {
      if (cmd === 'puback' || cmd === 'pubrec') this.reasons.set(messageId, reasonCode);
    });
    this.mqtt.on('message', (topic, payload, packet) => this.arrived(topic, payload, packet));
    this.started = false;
  }

  async connect() {
    this.given = new Map();
    const connected = event(this.mqtt, 'connect', 'error');
    if (this.started) this.mqtt.reconnect();
    else this.mqtt.connect();
    this.started = true;
    const packet = await connected;
    return { sessionPresent: packet.sessionPresent, assignedClientId: packet.properties?.assignedClientIdentifier };
  }

  async subscribe({ filters, qos, identifier }) {
    const options = { qos };
    if (identifier) options.properties = { subscriptionIdentifier: identifier };
    const granted = await this.mqtt.subscribeAsync(filters, options);
    return { granted: granted.map((one) => one.qos) };
  }

  async unsubscribe({ filters }) {
    await this.mqtt.unsubscribeAsync(filters);
  }

  async publish({ messages }) {
    const sent = messages.map(({ topic, payload, qos, retain, properties }) => {
      const options = { qos, retain };
      if (properties) options.properties = outgoing(properties);
      return this.mqtt.publishAsync(topic, Buffer.from(payload, 'hex'), options);
    });
    const acknowledged = await Promise.all(sent);
    return { reasons: acknowledged.map((packet) => this.reasons.get(packet?.messageId) ?? 0) };
  }

  arrived(name, payload, packet) {
    const { qos, retain } = packet;
    // at QoS 2 the library leaves aliases to its user
    const alias = packet.properties?.topicAlias;
    if (alias && name) this.given.set(alias, name);
    const topic = name || this.given.get(alias) || '';
    const properties = packet.properties ? incoming(packet.properties) : {};
    say({ client: this.name, message: { topic, payload: payload.toString('hex'), qos, retain, properties } });
  }

  async disconnect() {
    await this.mqtt.endAsync();
  }

  async lost() {
    if (this.mqtt.connected) await event(this.mqtt, 'close');
  }
}

function outgoing({ user, response, correlation, contentType, expiry }) {
  const userProperties = {};
  for (const [key, value] of user) (userProperties[key] ??= []).push(value);
  return {
    userProperties,
    responseTopic: response,
    correlationData: Buffer.from(correlation, 'hex'),
    contentType,
    messageExpiryInterval: expiry,
  };
}

function incoming(came) {
  const user = Object.entries(came.userProperties ?? {}).flatMap(([key, values]) =>
    [values].flat().map((value) => [key, value]),
  );
  return {
    user,
    response: came.responseTopic,
    correlation: came.correlationData?.toString('hex'),
    contentType: came.contentType,
    expiry: came.messageExpiryInterval,
    identifiers: came.subscriptionIdentifier === undefined ? undefined : [came.subscriptionIdentifier].flat(),
  };
}

const same = (wish) => JSON.stringify([wish.version, wish.transport, wish.clientId, wish.clean, wish.port]);

async function main() {
  say({ library: `MQTT.js ${require('mqtt/package.json').version}` });
  const clients = new Map();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const wish = JSON.parse(line);
    try {
      if (wish.do === 'connect' && clients.get(wish.client)?.wish !== same(wish)) {
        clients.set(wish.client, { wish: same(wish), client: new Client(wish.client, wish) });
      }
      const facts = await clients.get(wish.client).client[wish.do](wish);
      say({ id: wish.id, ...facts });
    } catch (error) {
      say({ id: wish.id, failed: String(error) });
    }
  }
  process.exit(0);
}

main();
