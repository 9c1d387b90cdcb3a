/**
 * The functions of onnxruntime's C API that are used (include/onnxruntime/core/session/onnxruntime_c_api.h). The API is a
 * struct of pointers, to which each version only adds at its end, so that a function is its position.
 */

/** The newest version of the API whose functions are used: onnxruntime 1.24. */
export const API_VERSION = 24;

/** An address; of what no pointer is, 0. */
export type Pointer = bigint;

export type Argument = Pointer | number | string | null | ArrayBufferView | readonly string[];

/** A status is null where all went well. */
export type Status = Pointer | null;

type Kind = 'pointer' | 'int' | 'size' | 'text' | 'texts';

interface Signature {
  at: number;
  gives: 'status' | 'nothing' | 'text';
  takes: readonly Kind[];
}

function status(at: number, ...takes: Kind[]) {
  return { at, gives: 'status' as const, takes };
}

/** What frees something. */
function release(at: number) {
  return { at, gives: 'nothing' as const, takes: ['pointer'] as const };
}

/** Where a name says that something is made or got, the last pointer is where its address is written. */
export const functions = {
  GetErrorMessage: { at: 2, gives: 'text', takes: ['pointer'] },
  ReleaseStatus: release(93),

  CreateEnv: status(3, 'int', 'text', 'pointer'),
  DisableTelemetryEvents: status(6, 'pointer'),
  GetAllocatorWithDefaultOptions: status(78, 'pointer'),
  AllocatorFree: status(76, 'pointer', 'pointer'),
  /** Name, allocator type (0: device), device number, memory type (0: default). */
  CreateMemoryInfo: status(68, 'text', 'int', 'int', 'int', 'pointer'),

  CreateSessionOptions: status(10, 'pointer'),
  ReleaseSessionOptions: release(100),
  SetSessionLogSeverityLevel: status(22, 'pointer', 'int'),
  DisableMemPattern: status(17, 'pointer'),
  SetIntraOpNumThreads: status(24, 'pointer', 'int'),
  AddSessionConfigEntry: status(130, 'pointer', 'text', 'text'),
  /** Options, name, keys and values, how many of them. */
  SessionOptionsAppendExecutionProvider: status(216, 'pointer', 'text', 'texts', 'texts', 'size'),
  CreateCUDAProviderOptions: status(205, 'pointer'),
  UpdateCUDAProviderOptions: status(206, 'pointer', 'texts', 'texts', 'size'),
  SessionOptionsAppendExecutionProvider_CUDA_V2: status(204, 'pointer', 'pointer'),
  ReleaseCUDAProviderOptions: release(208),

  /** Environment, bytes of a model and how many, options. */
  CreateSessionFromArray: status(8, 'pointer', 'pointer', 'size', 'pointer', 'pointer'),
  ReleaseSession: release(95),

  /** Where a session expects each of its inputs to lie, in their order: into that many words, how many. It belongs to the session. */
  SessionGetMemoryInfoForInputs: status(380, 'pointer', 'pointer', 'size'),
  /** Of a memory info; into an int32: 0 is the host. */
  MemoryInfoGetDeviceType: { at: 225, gives: 'nothing', takes: ['pointer', 'pointer'] },
  /** Session, memory info. */
  CreateAllocator: status(131, 'pointer', 'pointer', 'pointer'),
  ReleaseAllocator: release(132),

  /** Into: an array of parts of the graph, how many. It belongs to the session, like all that is read from it. */
  Session_GetEpGraphAssignmentInfo: status(407, 'pointer', 'pointer', 'pointer'),
  EpAssignedSubgraph_GetEpName: status(408, 'pointer', 'pointer'),
  EpAssignedSubgraph_GetNodes: status(409, 'pointer', 'pointer', 'pointer'),
  EpAssignedNode_GetOperatorType: status(412, 'pointer', 'pointer'),

  /** Memory info, numbers and how many bytes, dimensions and how many, element type. The numbers stay where they are. */
  CreateTensorWithDataAsOrtValue: status(
    49,
    'pointer',
    'pointer',
    'size',
    'pointer',
    'size',
    'int',
    'pointer',
  ),
  /** Allocator, dimensions and how many, element type. */
  CreateTensorAsOrtValue: status(48, 'pointer', 'pointer', 'size', 'int', 'pointer'),
  GetTensorMutableData: status(51, 'pointer', 'pointer'),
  /** Into: element type (int32), where the dimensions lie, how many. */
  GetTensorElementTypeAndShapeDataReference: status(414, 'pointer', 'pointer', 'pointer', 'pointer'),
  ReleaseValue: release(96),

  CreateIoBinding: status(134, 'pointer', 'pointer'),
  ReleaseIoBinding: release(135),
  /** Copies what does not lie where the session expects it, when it is called. */
  BindInput: status(136, 'pointer', 'text', 'pointer'),
  /** What an output is written to: a value of the right type and shape. */
  BindOutput: status(137, 'pointer', 'text', 'pointer'),
  BindOutputToDevice: status(138, 'pointer', 'text', 'pointer'),
  /** Into: an array of values that the allocator frees, how many. Each value is the caller's. */
  GetBoundOutputValues: status(140, 'pointer', 'pointer', 'pointer', 'pointer'),
  ClearBoundInputs: { at: 141, gives: 'nothing', takes: ['pointer'] },
  ClearBoundOutputs: { at: 142, gives: 'nothing', takes: ['pointer'] },
  /** Session, run options (null for those of old), binding. */
  RunWithBinding: status(133, 'pointer', 'pointer', 'pointer'),
  SynchronizeBoundOutputs: status(203, 'pointer'),
} as const satisfies Record<string, Signature>;

export type FunctionName = keyof typeof functions;

type Given<Name extends FunctionName> = {
  status: Status;
  nothing: undefined;
  text: string;
}[(typeof functions)[Name]['gives']];

export type Api = { readonly [Name in FunctionName]: (...args: readonly Argument[]) => Given<Name> };

/** Names of the types in koffi. */
export const kinds = {
  pointer: 'void *',
  int: 'int',
  size: 'size_t',
  text: 'const char *',
  texts: 'const char **',
} as const satisfies Record<Kind, string>;

export const results = { status: 'void *', nothing: 'void', text: 'const char *' } as const;
