/**
 * Ends with one clear line when Node is too old to run TypeScript as it is.
 *
 * In plain JavaScript, because an old Node must be able to read it. The scripts
 * of package.json run it first; npm puts the Node that `npm ci` brought in front.
 *
 * @module
 */

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const stripsTypes = (major === 22 && minor >= 18) || (major === 23 && minor >= 6) || major >= 24;

if (!stripsTypes) {
  process.stderr.write(
    `This is Node ${process.versions.node}; Claimcheck needs 24.21 or newer. \`npm ci\` brings one for linux (x64, arm64), macOS (arm64) and Windows (x64); run the scripts with npm, or install Node yourself.\n`,
  );
  process.exit(1);
}
