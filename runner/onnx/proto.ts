/**
 * The part of the ONNX protobuf schema that programs need, with the field numbers of onnx.proto (IR version 10).
 * Written as a protobufjs descriptor: no generated code, and no .proto file to parse at start-up.
 */
import protobuf from 'protobufjs/light.js';

type Field = { id: number; type: string; rule?: 'repeated' };

function message(fields: Record<string, Field>): { fields: Record<string, Field> } {
  return { fields };
}

function one(id: number, type: string): Field {
  return { id, type };
}

function many(id: number, type: string): Field {
  return { id, type, rule: 'repeated' };
}

const root = protobuf.Root.fromJSON({
  nested: {
    StringStringEntry: message({ key: one(1, 'string'), value: one(2, 'string') }),
    OperatorSetId: message({ domain: one(1, 'string'), version: one(2, 'int64') }),
    Tensor: message({
      dims: many(1, 'int64'),
      dataType: one(2, 'int32'),
      name: one(8, 'string'),
      rawData: one(9, 'bytes'),
      externalData: many(13, 'StringStringEntry'),
      dataLocation: one(14, 'int32'),
    }),
    Attribute: message({
      name: one(1, 'string'),
      f: one(2, 'float'),
      i: one(3, 'int64'),
      s: one(4, 'bytes'),
      g: one(6, 'Graph'),
      floats: many(7, 'float'),
      ints: many(8, 'int64'),
      type: one(20, 'int32'),
    }),
    Node: message({
      input: many(1, 'string'),
      output: many(2, 'string'),
      name: one(3, 'string'),
      opType: one(4, 'string'),
      attribute: many(5, 'Attribute'),
      domain: one(7, 'string'),
    }),
    Dimension: message({ dimValue: one(1, 'int64'), dimParam: one(2, 'string') }),
    Shape: message({ dim: many(1, 'Dimension') }),
    TensorType: message({ elemType: one(1, 'int32'), shape: one(2, 'Shape') }),
    Type: message({ tensorType: one(1, 'TensorType') }),
    ValueInfo: message({ name: one(1, 'string'), type: one(2, 'Type') }),
    Graph: message({
      node: many(1, 'Node'),
      name: one(2, 'string'),
      initializer: many(5, 'Tensor'),
      input: many(11, 'ValueInfo'),
      output: many(12, 'ValueInfo'),
    }),
    Model: message({
      irVersion: one(1, 'int64'),
      producerName: one(2, 'string'),
      graph: one(7, 'Graph'),
      opsetImport: many(8, 'OperatorSetId'),
    }),
  },
});

const modelType = root.lookupType('Model');

/** Encodes a ModelProto given as a plain object in the field names above. */
export function encodeModel(model: Record<string, unknown>): Uint8Array {
  return modelType.encode(modelType.fromObject(model)).finish();
}

/** A ModelProto as a plain object in the field names above, as far as they go; numbers of 64 bits as numbers. */
export function decodeModel(bytes: Uint8Array): unknown {
  return modelType.toObject(modelType.decode(bytes), { longs: Number, arrays: true, defaults: true });
}
