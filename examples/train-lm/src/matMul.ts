import * as tf from '@tensorflow/tfjs-core'

/**
 * Matrix product whose gradient transposes its operands first. The wasm backend has a fast kernel only for plain
 * two-dimensional products; TensorFlow.js's own gradient uses transposed ones, which run about 15 times slower there.
 */
export const matMul: (a: tf.Tensor2D, b: tf.Tensor2D) => tf.Tensor2D = (a, b) => product(a, b) as tf.Tensor2D

const product = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
  const [a, b, save] = args as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc]
  save([a, b])
  return {
    value: tf.matMul(a, b),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [left, right] = saved as [tf.Tensor2D, tf.Tensor2D]
      return [
        tf.matMul(dy as tf.Tensor2D, tf.transpose(right)),
        tf.matMul(tf.transpose(left), dy as tf.Tensor2D),
      ]
    },
  }
})
