// Identifiers of XSI objects.
//
// An id is a plain number, valid in every process of the IPC namespace at once and without any open call:
// hand it over through a file, an argument or fork. The three kinds have separate number spaces, therefore
// separate types; 0 is a valid id, never test one for truth. Any value may be passed to any call: an id
// that names no object is EINVAL there, not undefined.
//
// Source: XSI 2.7.1; KEY-07, KEY-08, ID-01 to ID-13.
#ifndef XSIPC_OBJECT_ID_HPP
#define XSIPC_OBJECT_ID_HPP

namespace xsipc {

enum class msqid : int {};  // a message queue
enum class semid : int {};  // a semaphore set
enum class shmid : int {};  // a shared memory segment

enum class object_kind : unsigned char { queue, set, segment };

}  // namespace xsipc

#endif  // XSIPC_OBJECT_ID_HPP
