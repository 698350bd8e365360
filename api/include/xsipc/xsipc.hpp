// All of xsipc for applications, except xsipc/status.hpp, which needs abseil.
#ifndef XSIPC_XSIPC_HPP
#define XSIPC_XSIPC_HPP

#include "xsipc/message_queue.hpp"
#include "xsipc/open.hpp"
#include "xsipc/retry.hpp"
#include "xsipc/semaphore_set.hpp"
#include "xsipc/shared_memory.hpp"

#endif  // XSIPC_XSIPC_HPP
