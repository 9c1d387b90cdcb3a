/** A process that takes its system, or its Node, for another one. */
export interface System {
  platform?: NodeJS.Platform;
  arch?: string;
  /** Version of the Node. */
  node?: string;
  /** Version of the system's kernel. */
  release?: string;
  pnp?: string;
}

/** A module for Node's --import that puts other names in the place of this system's. */
export function disguise({ platform, arch, node, release, pnp }: System): string {
  const versions = { ...(node && { node }), ...(pnp && { pnp }) };
  const lines = [
    "import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';",
    `const set = (name, value) => Object.defineProperty(process, name, { value });`,
    `set('versions', { ...process.versions, ...${JSON.stringify(versions)} });`,
    platform && `set('platform', ${JSON.stringify(platform)});`,
    arch && `set('arch', ${JSON.stringify(arch)});`,
    release && `os.release = () => ${JSON.stringify(release)}; syncBuiltinESMExports();`,
  ];
  return `data:text/javascript,${encodeURIComponent(lines.filter(Boolean).join('\n'))}`;
}
